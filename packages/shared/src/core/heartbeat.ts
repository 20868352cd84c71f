import { type Milliseconds, second } from './time.ts';

/** How often an agent gives a sign of life, which also tells the coordinator its clock. */
export const beatIntervalMs: Milliseconds = 20 * second;
/** After this long without a word either side takes the link for dead: three beats and a slow network. */
export const silenceMsMax: Milliseconds = 65 * second;
