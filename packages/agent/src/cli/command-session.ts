import type { Identity } from '@authmesh/agent/io/identity';
import { openLink } from '@authmesh/agent/io/link';
import { type AccountId, accountLabel } from '@authmesh/shared/core/identifiers';
import { type Milliseconds, second } from '@authmesh/shared/core/time';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import { packageVersion } from '@authmesh/shared/node/version';
import type { AnswerBody, NodeView } from '@authmesh/shared/protocol/answer';
import { closeCodes } from '@authmesh/shared/protocol/close-codes';
import { joinOverview, type Overview } from '@authmesh/shared/protocol/overview';
import type { Question } from '@authmesh/shared/protocol/question';

type Answer<Type extends AnswerBody['type']> = Extract<AnswerBody, { type: Type }>;

/** A short conversation of one command with the coordinator, beside the daemon's own link. */
export interface CommandSession {
  /** This host's clock minus the coordinator's, as it was measured at the handshake. */
  readonly clockOffsetMs: Milliseconds;
  /** Asks, and gives the answer of the expected type; a refusal is an `AuthmeshError`. */
  readonly ask: <Type extends AnswerBody['type']>(
    question: Question,
    expected: Type,
    answerMs?: Milliseconds,
  ) => Promise<Answer<Type>>;
}

const answerMsMax = 15 * second;
/** For an address that swallows what is sent to it. */
const connectMsMax = 15 * second;

/**
 * Connects as this host, trying the coordinator's addresses in turn, runs `converse` and hangs up. An address may take
 * `patienceMs` until it answers.
 */
export async function withCoordinator<Result>(
  identity: Identity,
  urls: readonly string[],
  converse: (session: CommandSession) => Promise<Result>,
  patienceMs: Milliseconds = connectMsMax,
): Promise<Result> {
  let failure: unknown;
  for (const url of urls) {
    const opened = await connect(identity, url, patienceMs).catch((error: unknown) => {
      failure = error;
      return undefined;
    });
    if (!opened) continue;
    try {
      return await converse(opened.session);
    } finally {
      opened.close();
    }
  }
  throw (
    failure ??
    new AuthmeshError('ERR_CONFIGURATION', 'no address of a coordinator is known', {
      hint: 'set `coordinator` in agent.json',
    })
  );
}

function connect(
  { keys, membership }: Identity,
  url: string,
  patienceMs: Milliseconds,
): Promise<{ readonly session: CommandSession; readonly close: () => void }> {
  const waiting = new Map<
    number,
    { readonly resolve: (body: AnswerBody) => void; readonly reject: (error: Error) => void }
  >();
  const parts = new Map<number, Overview>();
  let next = 1;
  return new Promise((resolve, reject) => {
    const impatient = setTimeout(() => {
      link.close();
      reject(
        new AuthmeshError('ERR_COORDINATOR_UNREACHABLE', `${url} did not answer within ${patienceMs / second} s`, {
          hint: 'start the coordinator, or look at its address in agent.json',
        }),
      );
    }, patienceMs);
    const link = openLink(
      {
        url,
        nodeKey: keys.signing,
        fleet: membership.fleet,
        coordinatorKey: membership.coordinatorKey,
        role: 'command',
        version: packageVersion(),
        epoch: 0,
        now: Date.now,
      },
      {
        opened: ({ clockOffsetMs }) => {
          clearTimeout(impatient);
          resolve({ session: { ask, clockOffsetMs }, close: () => link.close() });
        },
        message: message => {
          if (message.type !== 'answer') return;
          const { request, body } = message;
          const whole = body.type === 'overview' ? joinOverview(parts.get(request), body) : body;
          if (whole.type === 'overview') parts.set(request, whole);
          if (whole.type === 'overview' && !whole.last) return;
          waiting.get(request)?.resolve(whole);
          waiting.delete(request);
          parts.delete(request);
        },
        announcement: () => {},
        closed: (reason, message) => {
          clearTimeout(impatient);
          const isFatal = reason !== 'unreachable' && reason !== 'lost' && closeCodes[reason].fatal;
          const error = new AuthmeshError(isFatal ? 'ERR_NOT_ALLOWED' : 'ERR_COORDINATOR_UNREACHABLE', message, {
            hint: isFatal ? undefined : 'start the coordinator, or look at its address in agent.json',
          });
          for (const one of waiting.values()) one.reject(error);
          reject(error);
        },
      },
    );

    async function ask<Type extends AnswerBody['type']>(
      question: Question,
      expected: Type,
      answerMs: Milliseconds = answerMsMax,
    ): Promise<Answer<Type>> {
      const request = next++;
      const body = await new Promise<AnswerBody>((answered, failed) => {
        const timer = setTimeout(() => {
          waiting.delete(request);
          failed(
            new AuthmeshError(
              'ERR_COORDINATOR_UNREACHABLE',
              `${url} took longer than ${answerMs / second} s to answer`,
              { hint: 'look at its log and its disk' },
            ),
          );
        }, answerMs);
        waiting.set(request, {
          resolve: value => {
            clearTimeout(timer);
            answered(value);
          },
          reject: error => {
            clearTimeout(timer);
            failed(error);
          },
        });
        link.send({ type: 'ask', request, question });
      });
      if (body.type === expected) return body as Answer<Type>;
      const found = body.type === 'problem' ? body.message : 'the coordinator answered something else than was asked';
      throw new AuthmeshError('ERR_REFUSED', found);
    }
  });
}

/** The account that a profile id or an account label names; the fleet has to have exactly one. */
export async function resolveAccount(
  session: CommandSession,
  name: string,
): Promise<{ readonly account: AccountId; readonly nodes: readonly NodeView[] }> {
  const { accounts, nodes } = await session.ask({ type: 'overview' }, 'overview');
  const found = accounts.filter(
    view =>
      accountLabel(view.account) === name ||
      view.account === name ||
      view.profile === name ||
      view.copies.some(copy => copy.profile === name),
  );
  const [first, ...others] = found;
  if (!first) {
    throw new AuthmeshError('ERR_NOT_FOUND', `the fleet has no login "${name}"`, {
      hint: '`authmesh-agent status` lists them by profile and account',
    });
  }
  if (others.length > 0) {
    const labels = found.map(view => accountLabel(view.account)).join(', ');
    throw new AuthmeshError('ERR_USAGE', `"${name}" names several accounts: ${labels}`, {
      hint: 'name the account instead of the profile',
    });
  }
  return { account: first.account, nodes };
}

/** What to call a node: its name, or its id when it is not on the roster any more. */
export function nodeName(nodes: readonly NodeView[], id: string | null): string | null {
  return nodes.find(node => node.id === id)?.name ?? id;
}
