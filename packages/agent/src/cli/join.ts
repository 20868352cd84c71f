import { hostname } from 'node:os';
import { isCovered } from '@authmesh/agent/core/coverage';
import { isToolAccount } from '@authmesh/agent/core/tools';
import { placeProblem } from '@authmesh/agent/io/adoption-store';
import { openJournal } from '@authmesh/agent/io/agent-journal';
import { loadAgentConfig } from '@authmesh/agent/io/config';
import { enroll } from '@authmesh/agent/io/enrollment';
import { toolFormats } from '@authmesh/agent/io/formats/tool-formats';
import { ensureKeys, type Identity, keepMembership, readKeys } from '@authmesh/agent/io/identity';
import { writeJoinedConfig } from '@authmesh/agent/io/joined-config';
import { readOfflineStatus } from '@authmesh/agent/io/offline-status';
import type { StateDirectory } from '@authmesh/agent/io/state-directory';
import { createStoreDiscovery } from '@authmesh/agent/io/store-discovery';
import { accountLabel } from '@authmesh/shared/core/identifiers';
import { decodeJoinCode, type JoinCode } from '@authmesh/shared/crypto/join-code';
import { nodeIdOf } from '@authmesh/shared/crypto/signing';
import type { Command } from '@authmesh/shared/node/command-line';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { findInstance } from '@authmesh/shared/node/instance-lock';
import { packageVersion } from '@authmesh/shared/node/version';
import type { AnswerBody } from '@authmesh/shared/protocol/answer';
import { nodeName } from '@authmesh/shared/protocol/fields';
import { withCoordinator } from './command-session.ts';
import { chooseAgentHome, homeOption, loadSettings, stateDirOption } from './home.ts';

export const joinCommand: Command = {
  name: 'join',
  summary: 'make this host a member of a fleet',
  arguments: '<code>',
  options: [
    homeOption,
    { flags: '--name <name>', description: 'what the fleet calls this host (default: its host name)' },
    stateDirOption,
  ],
  example: 'authmesh-agent join authmesh1… --name t440',
  async run(context) {
    const home = chooseAgentHome(context);
    const decoded = decodeJoinCode(context.arguments[0] ?? '');
    if ('problem' in decoded) throw new AuthmeshError('ERR_CODE_INVALID', decoded.problem);
    await refuseSecondMembership(home, decoded.code);
    const keys = await ensureKeys(home);
    // Before the code is spent: a wrong configuration must not cost it.
    const { settings: before } = await loadAgentConfig({ home, environment: process.env, flags: {} });
    await loadSettings(home, context);
    const { code } = decoded;
    const joined = await enroll({
      code,
      keys,
      name: wantedName(context.option('name') ?? before.name),
      version: packageVersion(),
      now: Date.now,
    });
    const { fleet, name, secrets, url } = joined;
    const membership = { fleet, name, coordinatorKey: code.coordinatorKey, secrets };
    // A member without a journal has lost it; one that begins has nothing to remember yet.
    await (await openJournal(home, { owner: nodeIdOf(keys.signing.publicKey), isNew: true })).close();
    await keepMembership(home, keys, membership);
    const coordinators = [url, ...code.urls.filter(other => other !== url)];
    await writeJoinedConfig(home, { coordinators, name, stateDirs: context.options('state-dir') });
    const settings = await loadSettings(home, context);
    const directories = await createStoreDiscovery(settings.places).look();
    const overview = await withCoordinator({ keys, membership }, coordinators, session =>
      session.ask({ type: 'overview' }, 'overview'),
    ).catch(() => undefined);
    const present = directories.flatMap(({ agents }) =>
      agents.filter(agent => agent.isPresent).map(agent => agent.store),
    );
    const onDisk = await readOfflineStatus({
      home,
      identity: { keys, membership },
      config: settings.config,
      places: settings.places,
    });
    const here = new Set(onDisk.accounts.filter(({ copies }) => copies.length > 0).map(({ account }) => account));
    // The fleet's own filter comes with the first link.
    const coverage = { config: settings.config, policy: { allow: ['*'], deny: [] } };
    const lacks = offered(overview, coverage).filter(({ account }) => !here.has(account));
    const result = {
      node: { id: nodeIdOf(keys.signing.publicKey), name },
      fleet: { id: fleet, nodes: overview?.nodes.length ?? 1 },
      stores: present,
      openclaw: directories.flatMap(({ tool, stateDir, generation, foreign }) =>
        tool === undefined ? [{ stateDir, generation, foreign }] : [],
      ),
      logins: offered(overview),
      lacks,
    };
    context.output.data(result, () =>
      [
        `${name} is a member of fleet ${fleet.slice(0, 12)} (${result.fleet.nodes} ${result.fleet.nodes === 1 ? 'node' : 'nodes'}).`,
        ...describe(directories),
        ...adoptable(lacks, placeProblem(directories)),
        'Next: `authmesh-agent run`, or `authmesh-agent service install`.',
      ].join('\n'),
    );
    return 0;
  },
};

/** A member joins again only where it was forgotten: its coordinator came back from a backup that is older than the membership. */
async function refuseSecondMembership(home: string, code: JoinCode): Promise<void> {
  const { keys, membership } = await readKeys(home);
  if (!keys || !membership) return;
  const isSameFleet =
    membership.coordinatorKey === code.coordinatorKey && membership.fleet === (code.founder as string);
  if (!isSameFleet || (await isMember({ keys, membership }, code.urls))) {
    throw new AuthmeshError('ERR_ALREADY_JOINED', `${home} is a member already, as ${membership.name}`, {
      hint: 'for a second membership on this host name another folder with --home',
    });
  }
  const pid = await findInstance(home);
  if (pid !== undefined)
    throw new AuthmeshError('ERR_ALREADY_RUNNING', `an agent runs for ${home}, as process ${pid}`, {
      hint: 'stop it first',
    });
}

/** Whether the coordinator still knows this host. */
async function isMember(identity: Identity, urls: readonly string[]): Promise<boolean> {
  try {
    await withCoordinator(identity, urls, session => session.ask({ type: 'nodes' }, 'overview'));
    return true;
  } catch (error) {
    if (error instanceof AuthmeshError && error.code === 'ERR_NOT_ALLOWED') return false;
    throw error;
  }
}

/** The given name, or the one that it had before, or the host's own in the letters that a name may have. */
function wantedName(given: string | undefined): string {
  const name =
    given ??
    (hostname()
      .replace(/[^\w.-]+/g, '-')
      .slice(0, 64) ||
      'host');
  const parsed = nodeName.safeParse(name);
  if (parsed.success) return name;
  throw new AuthmeshError('ERR_USAGE', `--name is "${name}"`, {
    hint: 'a name has 1 to 64 letters, digits, dots, dashes and underscores',
  });
}

function offered(
  overview: Extract<AnswerBody, { type: 'overview' }> | undefined,
  coverage?: Parameters<typeof isCovered>[0],
) {
  return (overview?.accounts ?? [])
    .filter(view => view.position !== null)
    .filter(({ account, profile }) => !coverage || (isCovered(coverage, account, profile) && !isToolAccount(account)))
    .map(({ account, profile }) => ({ account: accountLabel(account), profile }));
}

function describe(directories: readonly StateDirectory[]): string[] {
  return directories.flatMap(({ tool, stateDir, agents, foreign }) => {
    if (tool !== undefined) {
      const { title } = toolFormats[tool];
      return agents.map(({ store, isPresent }) =>
        isPresent
          ? `${store}: the login of ${title} to keep in step.`
          : `${store}: nobody has logged in with ${title} yet.`,
      );
    }
    const present = agents.filter(agent => agent.isPresent).length;
    const lines = foreign.map(({ path, reason }) => `${path}: ${reason}.`);
    if (present > 0 || lines.length === 0)
      lines.unshift(`${stateDir}: ${present === 1 ? 'one store' : `${present} stores`} to keep in step.`);
    return lines;
  });
}

function adoptable(lacks: readonly { readonly profile: string }[], obstacle: string | undefined): string[] {
  if (lacks.length === 0) return [];
  const lacked = `The fleet has ${lacks.map(({ profile }) => profile).join(', ')}; this host lacks them`;
  if (obstacle !== undefined) return [`${lacked}, and cannot adopt them yet: ${obstacle}.`];
  return [`${lacked}: \`authmesh-agent adopt --all\` puts them here once the agent runs.`];
}
