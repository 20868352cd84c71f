import { z } from 'zod';

/** Fields that many documents have. */

export const time = z.iso.datetime();
export const path = z.string().startsWith('/');
export const fingerprint = z.string().regex(/^[0-9a-f]{32}$/);
