/** Largest frame from a peer that has proved nothing yet, in bytes. */
export const strangerBytesMax = 16 * 1024;
/** Largest frame of a session, in bytes, signature included. */
export const frameBytesMax = 1024 * 1024;

/** Ed25519, first in every frame that follows the handshake. */
const signatureBytes = 64;

/** The first byte of a payload: which of the two kinds of signature stands before it. */
export const frameDomains = {
  /** To one peer: numbered, bound to the session and the direction. JSON of one message follows. */
  session: 0x01,
  /** To every node: signed once, bound to fleet, account and position. JSON of one announcement follows. */
  broadcast: 0x02,
} as const;
export type FrameDomain = keyof typeof frameDomains;

/** The parts of `signature(64) ‖ payload`; all of them are views of the frame. */
export interface FrameParts {
  readonly domain: FrameDomain;
  readonly signature: Uint8Array;
  /** Domain byte and JSON: what is signed. */
  readonly payload: Uint8Array;
  readonly json: Uint8Array;
}

/** Takes a frame apart without judging its signature; undefined when it is too short or of an unknown domain. */
export function splitFrame(frame: Uint8Array): FrameParts | undefined {
  const payload = frame.subarray(signatureBytes);
  const domain = domainOf(payload[0]);
  if (domain === undefined) return undefined;
  return { domain, signature: frame.subarray(0, signatureBytes), payload, json: payload.subarray(1) };
}

function domainOf(byte: number | undefined): FrameDomain | undefined {
  if (byte === frameDomains.session) return 'session';
  return byte === frameDomains.broadcast ? 'broadcast' : undefined;
}
