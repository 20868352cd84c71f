/**
 * Why a link was closed: the application range of RFC 6455 §7.4.2. `fatal` says that coming back
 * as before cannot help until somebody changes something.
 */
export const closeCodes = {
  malformed: { code: 4400, fatal: false, meaning: 'a frame did not parse' },
  unauthenticated: { code: 4401, fatal: true, meaning: 'a signature does not match its key' },
  unknownNode: { code: 4403, fatal: true, meaning: 'this node is not a member of the fleet' },
  attestTimeout: { code: 4408, fatal: false, meaning: 'no proof of identity within 5 s' },
  duplicateNode: { code: 4409, fatal: true, meaning: 'a living agent with the same key is connected' },
  outOfOrder: { code: 4410, fatal: false, meaning: 'a frame was replayed, reordered or belongs to another session' },
  slowReader: { code: 4411, fatal: false, meaning: 'the peer did not read fast enough' },
  silent: { code: 4412, fatal: false, meaning: 'nothing was heard for too long' },
  tooLarge: { code: 4413, fatal: false, meaning: 'a frame is larger than allowed' },
  refused: { code: 4422, fatal: true, meaning: 'the invite was not accepted' },
  protocolVersion: { code: 4426, fatal: true, meaning: 'the peers speak no common protocol version' },
  tooManyPeers: { code: 4429, fatal: false, meaning: 'too many unproven connections' },
  draining: { code: 4503, fatal: false, meaning: 'the coordinator is stopping' },
  reconfigured: { code: 4505, fatal: false, meaning: 'the fleet’s configuration changed; connect again to learn it' },
  clockSet: { code: 4506, fatal: false, meaning: 'the coordinator’s clock was set; connect again to compare clocks' },
  replaced: { code: 4504, fatal: false, meaning: 'a newer link of the same node took over' },
} as const;

/** Of an HTTP answer that turns a connection away: milliseconds after which it may come again. */
export const retryAfterHeader = 'authmesh-retry-after-ms';

export type CloseReason = keyof typeof closeCodes;

/** The reason behind a close code, when it is one of ours. */
export function closeReasonOf(code: number): CloseReason | undefined {
  for (const [reason, entry] of Object.entries(closeCodes)) if (entry.code === code) return reason as CloseReason;
  return undefined;
}
