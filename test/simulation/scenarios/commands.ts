import { type AccountRecord, accountKey } from '@authmesh/coordinator/core/record';
import { type AccountId, accountLabel } from '@authmesh/shared/core/identifiers';
import { crashAgent, startAgent } from '../agent-process.ts';
import { crashCoordinator, startCoordinator } from '../central.ts';
import { linkCopies, restoreLogin } from '../command-line.ts';
import { hostClock } from '../host.ts';
import { join } from '../joining.ts';
import { type Exchange, refreshLogin } from '../openclaw.ts';
import { copyProfile, deleteProfile, drainAgent, logIn, restoreFile, setClock } from '../operator.ts';
import { sleepHost } from '../sleep.ts';
import { printName, storeName } from '../wording.ts';
import { imageOf } from '../world/disk.ts';
import { backUp, restoreBackup } from '../world/records.ts';
import { advance } from '../world/world.ts';
import { type Command, parseDuration } from './script.ts';
import { sessionVerbs } from './session-commands.ts';
import { clawOf, hostNamed, loginSpec, placeOf, type Stage, stageHost, type Verb } from './stage.ts';

/** Every verb of a transcript. Places are written `HOST AGENT PROFILE`. */
const verbs: Readonly<Record<string, Verb>> = {
  host: stageHost,
  /** `start coordinator | HOST`: a host that is no member yet is joined. */
  start: (stage, { words: [name] }) => {
    if (name === 'coordinator') return startCoordinator(stage.world);
    const host = hostNamed(stage, name);
    if (host.member) startAgent(stage.world, host);
    else join(stage.world, host);
  },
  stop: (stage, { words }) => drainAgent(stage.world, hostNamed(stage, words[0])),
  crash: (stage, { words: [name] }) => {
    if (name === 'coordinator') crashCoordinator(stage.world);
    else crashAgent(stage.world, hostNamed(stage, name), false);
  },
  /** `login HOST AGENT PROFILE account=NAME [token=opaque] [life=1h] [ago=10m]` */
  login: (stage, { words, options }) => {
    const { host, store, profile } = placeOf(stage, words);
    logIn(stage.world, host, store, profile, loginSpec(profile, options), parseDuration(options.get('ago') ?? '0s'));
  },
  /** `copy HOST AGENT PROFILE to HOST AGENT`: by hand, refresh token and all. */
  copy: (stage, { words }) => {
    const from = placeOf(stage, words);
    const to = placeOf(stage, [...words.slice(4), from.profile]);
    copyProfile(stage.world, from, to.host, to.store, from.profile);
  },
  /** `refresh HOST AGENT PROFILE [takes=300ms] [lost=request|answer]`: OpenClaw's own refresh. */
  refresh: (stage, { words, options }) => {
    const { host, store, profile } = placeOf(stage, words);
    const takesMs = parseDuration(options.get('takes') ?? '300ms');
    const lost = options.get('lost') as Exchange['lost'];
    refreshLogin(stage.world, clawOf(stage, host), store, profile, { takesMs, lost });
  },
  /** `lose request|answer`: of the fleet's next exchange. */
  lose: ({ world }, { words }) => {
    world.endpoints.next = words[0] as Exchange['lost'];
  },
  delete: (stage, { words }) => {
    const { host, store, profile } = placeOf(stage, words);
    deleteProfile(stage.world, host, store, profile);
  },
  /** `save HOST AGENT as NAME`, `restore HOST AGENT from NAME`: an operator's copy of a store. */
  save: (stage, { words }) => {
    stage.files.set(words[3] ?? '', imageOf(placeOf(stage, words).store));
  },
  restore: (stage, { words }) => {
    const { host, store } = placeOf(stage, words);
    const image = stage.files.get(words[3] ?? '');
    if (!image) throw new Error(`no file was saved as ${words[3]}`);
    restoreFile(stage.world, host, store, image);
  },
  backup: (stage, { words }) => {
    stage.backups.set(words[0] ?? '', backUp(stage.world.central.records));
  },
  /** `restore-coordinator NAME`: its disk died, and the backup takes its place. */
  'restore-coordinator': (stage, { words }) => {
    const backup = stage.backups.get(words[0] ?? '');
    if (!backup) throw new Error(`there is no backup ${words[0]}`);
    crashCoordinator(stage.world);
    restoreBackup(stage.world.central.records, backup);
    startCoordinator(stage.world);
  },
  /** `restore-login HOST ACCOUNT NUMBER`: back to an entry of the history. */
  'restore-login': (stage, { words: [name, label, number] }) =>
    restoreLogin(stage.world, hostNamed(stage, name), `oauth:${label}` as AccountId, Number(number)),
  /** `link HOST ACCOUNT HOST HOST`: these copies are one account. */
  link: (stage, { words: [name, label, ...names] }) =>
    linkCopies(
      stage.world,
      hostNamed(stage, name),
      `oauth:${label}` as AccountId,
      names.map(other => hostNamed(stage, other).id),
    ),
  ...sessionVerbs,
  sleep: (stage, { words: [name, time] }) => sleepHost(stage.world, hostNamed(stage, name), parseDuration(time ?? '')),
  'set-clock': (stage, { words: [name, by] }) => setClock(stage.world, hostNamed(stage, name), parseDuration(by ?? '')),
  cut: (stage, { words }) => {
    const { cut } = hostNamed(stage, words[0]).way;
    cut.up = true;
    cut.down = true;
  },
  mend: (stage, { words }) => {
    const { way } = hostNamed(stage, words[0]);
    stage.world.network.mend(way, 'up');
    stage.world.network.mend(way, 'down');
  },
  run: (stage, { words }) => advance(stage.world, stage.world.now + parseDuration(words[0] ?? '')),
  /** Lets time pass without telling. */
  skip: (stage, { words }) => {
    const told = stage.lines.length;
    advance(stage.world, stage.world.now + parseDuration(words[0] ?? ''));
    stage.lines.length = told;
  },
  /** `quietly COMMAND …`: without telling what happens at once. */
  quietly: (stage, command) => {
    const told = stage.lines.length;
    const [name = '', ...words] = command.words;
    perform(stage, { name, words, options: command.options });
    stage.lines.length = told;
  },
  stores: showStores,
  fleet: showFleet,
};

export function perform(stage: Stage, command: Command): void {
  const verb = verbs[command.name];
  if (!verb) throw new Error(`there is no command ${command.name}; there are ${Object.keys(verbs).join(', ')}`);
  verb(stage, command);
}

/** What stands in every store, and how long OpenClaw takes it for usable. */
function showStores({ world, lines }: Stage): void {
  for (const host of world.hosts) {
    for (const store of host.disk.stores.values()) {
      for (const [profile, { shape, access, refresh, expires }] of store.profiles) {
        const token = shape === 'tokens' ? `${printName(world, access?.print)}${refresh ? '+r' : ''}` : shape;
        const leftMinutes = expires === null ? undefined : Math.round((expires - hostClock(world, host)) / 60_000);
        const left = leftMinutes === undefined ? 'for ever' : leftMinutes > 0 ? `for ${leftMinutes} min` : 'expired';
        lines.push(`${host.name.padEnd(8)} ${storeName(store.id).padEnd(6)} ${profile} ${token} ${left}`);
      }
    }
  }
}

/** What the coordinator's store says of every account. */
function showFleet({ world, lines }: Stage): void {
  for (const host of world.hosts.slice(0, 1)) {
    for (const account of host.journal.accounts.keys()) {
      const record = world.central.records.entries.get(accountKey(account))?.value as AccountRecord | undefined;
      const current = record?.current;
      if (!record || !current) continue;
      const home = world.hostsById.get(current.home)?.name;
      const { epoch, revision } = current.position;
      lines.push(
        `${accountLabel(account)} at ${epoch}.${revision}: ${printName(world, current.access)}, home ${home}, ${current.why}`,
      );
      for (const { number, access, origin, verdict, why } of record.history) {
        lines.push(
          `  ${number}. ${access === undefined ? 'no token' : printName(world, access)} from ${world.hostsById.get(origin)?.name}: ${verdict}, ${why}`,
        );
      }
    }
  }
}
