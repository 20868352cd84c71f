import type { AccountId, NodeId, ProfileId, StoreId } from './identifiers.ts';

export type Level = 'debug' | 'info' | 'warn' | 'error';

/**
 * The one catalogue of what either program tells its log: a name, how loud it is, and what it means to an operator.
 * Names are stable; alerts and dashboards are built on them. The simulator counts them as coverage marks.
 */
export const noteCatalogue = {
  'link-opened': { level: 'info', says: 'connected to the coordinator' },
  'link-lost': { level: 'warn', says: 'the link to the coordinator was lost; trying again' },
  'link-refused': { level: 'error', says: 'the coordinator turned this node away' },
  synced: { level: 'info', says: 'in step with the coordinator' },
  'store-appeared': { level: 'info', says: 'a credential store appeared' },
  'store-vanished': { level: 'warn', says: 'a credential store is gone; nothing is put back' },
  'store-quarantined': { level: 'error', says: 'a store cannot be understood and is left alone' },
  'store-recovered': { level: 'info', says: 'a store that was set aside can be read again' },
  'profile-left': { level: 'info', says: 'a profile was deleted by its owner and leaves the fleet’s care' },
  'credential-observed': { level: 'debug', says: 'a login changed on this host' },
  'credential-published': { level: 'info', says: 'told the coordinator about a changed login' },
  'credential-written': { level: 'info', says: 'a fresher login was written and read back' },
  'refresh-restored': { level: 'info', says: 'a login got its refresh token back, for this host stops taking part' },
  'refresh-taken': {
    level: 'info',
    says: 'a store gave up a refresh token, so that its OpenClaw does not spend it',
  },
  'write-postponed': { level: 'debug', says: 'a store changed under the delivery or was locked; looking again' },
  'write-failed': { level: 'error', says: 'a login could not be written' },
  'exchange-begun': { level: 'info', says: 'refreshing a login, under the fleet’s lease' },
  'exchange-renewed': { level: 'info', says: 'a login was refreshed' },
  'exchange-missed': { level: 'warn', says: 'a login was not refreshed' },
  'announcement-refused': { level: 'error', says: 'an announcement failed its checks and was not applied' },
  'announcement-old': { level: 'debug', says: 'an announcement was older than what is known' },
  'credential-unfit': { level: 'warn', says: 'a store holds an unusable login' },
  'credential-accepted': { level: 'info', says: 'a login is the fleet’s current one' },
  'credential-stale': { level: 'info', says: 'a host holds an old login and gets the current one' },
  'credential-parallel': { level: 'warn', says: 'two live logins of one account; neither replaces the other' },
  'credential-unlinked': { level: 'warn', says: 'only a profile id says whose this login is; not mixed until linked' },
  'conflict-settled': { level: 'warn', says: 'two branches of a login met; the issuer’s time decided' },
  'account-restored': { level: 'warn', says: 'an operator took an account back to an older login' },
  'persist-conflicted': { level: 'warn', says: 'another writer changed the record first' },
  'persist-failed': { level: 'error', says: 'the coordinator’s store does not accept writes' },
  'epoch-raised': {
    level: 'warn',
    says: 'nodes know more than this store: it came from a backup; the epoch was raised',
  },
  'lease-given': { level: 'debug', says: 'a node is to refresh a login' },
  'renewal-fenced': { level: 'warn', says: 'a login was renewed under a lease that was over; it is kept, not spread' },
  'refresh-postponed': { level: 'warn', says: 'a login could not be refreshed now; it is tried again' },
  'refresh-waits': { level: 'info', says: 'a login is due to be refreshed, and no node can do it now' },
  'refresh-in-doubt': {
    level: 'error',
    says: 'whether a refresh token was spent is not known; the login works until its access token ends',
  },
  'login-needed': { level: 'error', says: 'a login cannot be refreshed any more: somebody has to sign in' },
  'secret-drifted': { level: 'warn', says: 'a secret is not the same everywhere' },
  'secret-equal': { level: 'info', says: 'a secret is the same wherever it was looked at' },
  'alert-refused': { level: 'warn', says: 'a channel of alerts does not take them; it is told again' },
  'heartbeat-refused': { level: 'warn', says: 'the outside monitor does not take the sign of life' },
  'node-joined': { level: 'info', says: 'a node joined the fleet' },
  'fleet-left': { level: 'info', says: 'this host ended its membership of the fleet' },
  'node-left': { level: 'warn', says: 'a node ended its membership' },
  'node-online': { level: 'info', says: 'a node connected' },
  'node-offline': { level: 'info', says: 'a node disconnected' },
  'node-refused': { level: 'warn', says: 'a peer was turned away' },
  'node-duplicate': { level: 'error', says: 'the same node key is used by two living agents' },
  'permit-granted': { level: 'debug', says: 'sessions may come back' },
  'permit-lost': { level: 'warn', says: 'a permit was not renewed; it counts until its sessions must be back' },
  'permit-fenced': { level: 'warn', says: 'a node named a permit whose time is over' },
  'sessions-returned': { level: 'debug', says: 'sessions are back' },
  'sessions-failed': { level: 'warn', says: 'sessions did not come back' },
  'recovery-halted': { level: 'error', says: 'the first session of a recovery failed; the others wait' },
  'limit-lowered': { level: 'warn', says: 'sessions were refused, or failed to come back; fewer come back at a time' },
  'pool-closed': { level: 'error', says: 'the provider’s quota is used up; nothing comes back before it is renewed' },
  'recovery-waits': { level: 'info', says: 'a dead login waits for its turn to be healed' },
  'recovery-begun': { level: 'info', says: 'a dead login is healed under a permit' },
  'hold-placed': { level: 'info', says: 'an agent is held back until its turn: more would start than may come back' },
  'hold-lifted': { level: 'info', says: 'an agent that was held back is let go under a permit' },
  'hold-ended': { level: 'warn', says: 'an agent was held back for as long as may be; it comes back without a permit' },
  'hold-failed': { level: 'error', says: 'the marks that hold an agent back could not be changed; trying again' },
  'permit-lapsed': { level: 'warn', says: 'a permit ended before its login could be written; asking again' },
  'decay-seen': { level: 'warn', says: 'a login on disk would not survive a restart' },
  'decay-ended': { level: 'info', says: 'a login on disk would survive a restart again, or is being healed' },
  'invite-created': { level: 'info', says: 'a join code was made' },
  'copies-linked': { level: 'info', says: 'an operator said that copies are one account' },
  'queue-overflowed': {
    level: 'error',
    says: 'a bounded queue was full; its newest entry was dropped and is asked for again',
  },
  'clock-jumped': { level: 'warn', says: 'this host’s clock jumped or the host slept' },
  'agent-started': { level: 'info', says: 'the agent runs' },
  'configuration-read': { level: 'info', says: 'the configuration was read again' },
  'configuration-refused': { level: 'error', says: 'the configuration is not valid; the one before stays' },
  'request-failed': { level: 'error', says: 'a request of the command line failed' },
  'journal-foreign': {
    level: 'error',
    says: 'the journal was another host’s: it was set aside, and nothing of it counts',
  },
  'journal-damaged': { level: 'warn', says: 'a part of the journal was damaged and left out' },
  'journal-incomplete': {
    level: 'warn',
    says: 'the journal has lost something: until the logins of then are renewed, a lease that was not heard of stays in doubt',
  },
  'journal-refused': { level: 'error', says: 'the agent’s journal does not take entries; going on without' },
  'inputs-refused': { level: 'warn', says: 'the journal of inputs stopped' },
  'message-too-large': { level: 'error', says: 'a message to the coordinator fits no frame and was not sent' },
  'publish-impossible': { level: 'error', says: 'a login could not be sealed for the coordinator' },
  'delivery-overwritten': { level: 'warn', says: 'what a delivery had replaced stands there again' },
  'reload-troubled': { level: 'warn', says: 'a gateway may not know of what was written' },
  'delivery-troubled': { level: 'warn', says: 'a login was delivered, something beside it was not' },
  'watching-troubled': { level: 'warn', says: 'watching has trouble; the rescan goes on' },
  'state-dir-unclaimed': { level: 'warn', says: 'another agent on the same OpenClaw would not be noticed' },
  'store-foreign': { level: 'warn', says: 'logins in a place that authmesh does not keep in step' },
  'record-damaged': { level: 'error', says: 'a record of the store is damaged and left aside' },
  'audit-refused': { level: 'error', says: 'the audit trail does not take entries' },
  draining: { level: 'info', says: 'finishing before the stop' },
} as const satisfies Record<string, { readonly level: Level; readonly says: string }>;

export type NoteName = keyof typeof noteCatalogue;

/** What is logged, by a core or around it. Accounts and profiles may name people: the logger writes their tags instead. */
export interface Note {
  readonly type: 'note';
  readonly name: NoteName;
  readonly account?: AccountId | undefined;
  readonly profile?: ProfileId | undefined;
  readonly store?: StoreId | undefined;
  readonly file?: string | undefined;
  readonly node?: NodeId | undefined;
  readonly revision?: number | undefined;
  /** A reason for the operator; never a secret. */
  readonly why?: string | undefined;
}

/** Something for the log; a core gives it out as an effect. */
export function note(name: NoteName, details: Omit<Note, 'type' | 'name'> = {}): Note {
  const { account, profile, store, file, node, revision, why } = details;
  return { type: 'note', name, account, profile, store, file, node, revision, why };
}
