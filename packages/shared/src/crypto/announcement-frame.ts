import { createHash } from 'node:crypto';
import type { FleetId } from '@authmesh/shared/core/identifiers';
import { type Announcement, announcement } from '@authmesh/shared/protocol/announcement';
import { type FrameParts, frameDomains } from '@authmesh/shared/protocol/frame';
import { parseJson } from './json-text.ts';
import { type PublicKey, type SigningKey, sign, verify } from './signing.ts';

/** What an announcement's signature binds besides its payload: it stands for no other fleet, account or position. */
function announcementBytes(fleet: FleetId, { account, position }: Announcement, payload: Uint8Array): Uint8Array {
  const head = JSON.stringify([fleet, account, position.epoch, position.revision]);
  return Buffer.concat([
    Buffer.from(`authmesh announcement 1\0${head}\0`, 'utf8'),
    createHash('sha256').update(payload).digest(),
  ]);
}

/** The one frame of an announcement that every node gets, signed here. */
export function encodeAnnouncement(message: Announcement, fleet: FleetId, key: SigningKey): Buffer {
  const payload = Buffer.concat([Buffer.of(frameDomains.broadcast), Buffer.from(JSON.stringify(message), 'utf8')]);
  return Buffer.concat([sign(key, announcementBytes(fleet, message, payload)), payload]);
}

/**
 * Reads a broadcast frame and verifies it before anybody uses it. The frame's size was bounded by the link.
 * Order among announcements is not judged here: nodes keep (epoch, revision) per account.
 */
export async function decodeAnnouncement(
  { json, payload, signature }: FrameParts,
  fleet: FleetId,
  key: PublicKey,
): Promise<Announcement | undefined> {
  const parsed = announcement.safeParse(parseJson(json));
  if (!parsed.success) return undefined;
  const valid = await verify(key, announcementBytes(fleet, parsed.data, payload), signature);
  return valid ? parsed.data : undefined;
}
