import { fileURLToPath } from 'node:url';

/** What comes back at once, at most, and for how long a session counts as coming back. */
export const limit = 4;
const settleSeconds = 2;
/** One pool for every login. */
export const pools = [{ name: 'web', match: ['*'], limit, settleSeconds }] as const;

/** The agents of the incident: fifteen on one host, the main agent among them. */
export const agents: readonly string[] = ['main', ...Array.from({ length: 14 }, (_, index) => `a${index + 2}`)];

/** The program that stands for their gateway where one is started again. */
export const gateway = fileURLToPath(new URL('./gateway.ts', import.meta.url));
