/** The number of this protocol, and the oldest that is still spoken. A coordinator is upgraded before its agents. */
export const protocolVersion = 1;
export const protocolVersionMin = 1;

/** Most observations in one message: with full chains it stays under the frame limit. */
export const observationsPerMessageMax = 200;

/** Most of what stood in a store before that a node reports; the coordinator knows the rest. */
export const chainLinksMax = 16;
