import type { Identity } from '@authmesh/agent/io/identity';
import { type AccountId, accountLabel } from '@authmesh/shared/core/identifiers';
import { openRecord, sealRecord } from '@authmesh/shared/crypto/sealed-record';
import { AuthmeshError } from '@authmesh/shared/node/errors';
import type { HistoryEntry } from '@authmesh/shared/protocol/answer';
import type { CommandSession } from './command-session.ts';

/** What an account was taken to. */
export interface TakenBack {
  readonly account: string;
  readonly entry: number;
  readonly revision: number;
  /** Its refresh token was used up by a newer login, and was left out. */
  readonly refreshSpent: boolean;
}

/** Makes a login of an account's history the fleet's, by an operator's word: the one whose number `choose` finds there. */
export async function takeBack(
  session: CommandSession,
  { keys, membership: { fleet, secrets } }: Identity,
  account: AccountId,
  choose: (history: readonly HistoryEntry[]) => number,
): Promise<TakenBack> {
  const { history } = await session.ask({ type: 'history', account }, 'history');
  const number = choose(history);
  const entry = await session.ask({ type: 'candidate', account, number }, 'candidate');
  const opened = openRecord(entry.sealed, { fleetKey: secrets.fleetKey, fleet, account });
  if ('problem' in opened)
    throw new AuthmeshError('ERR_REFUSED', `entry ${number} cannot be restored: ${opened.problem}`);
  // A refresh token that was used up would kill the login at its first use (RFC 9700 §4.14): it stays out.
  const credential = entry.refreshSpent
    ? { ...opened.record.credential, refresh: undefined }
    : opened.record.credential;
  const generation = entry.generation + 1;
  const record = sealRecord({ fleet, account, generation, originKey: keys.signing, credential }, secrets.fleetKey);
  if ('problem' in record) throw new AuthmeshError('ERR_REFUSED', record.problem);
  const spendable = credential.refresh !== undefined;
  const { position } = await session.ask(
    { type: 'rollback', account, number, generation, spendable, sealed: record.sealed },
    'published',
  );
  return {
    account: accountLabel(account),
    entry: number,
    revision: position.revision,
    refreshSpent: entry.refreshSpent,
  };
}
