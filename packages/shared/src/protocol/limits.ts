/** The number of this protocol, and the oldest that is still spoken. A coordinator is upgraded before its agents. */
export const protocolVersion = 1;
export const protocolVersionMin = 1;

/*
 * How many entries one message holds: with the longest path, profile id, account and sentences that an entry may have,
 * in characters of three bytes where a host's own bound does not forbid them, a message still fits a frame.
 */
export const observationsPerMessageMax = 60;
/** Accounts that a node knows, in one part of its inventory. */
export const knownPerMessageMax = 200;
/** Leases that one node may have at a time: what is above it waits at the coordinator. */
export const leasesMax = 200;
/** Refresh tokens that a node names as kept out of the fleet. */
export const withheldMax = 1_000;
/** Refresh tokens that stay in the stores of a node that leaves: as many as it may have copies. */
export const keepsMax = 5_000;
/** Providers that a node can name. */
export const providersMax = 200;
export const judgementsPerMessageMax = 120;
/** Claims that one node may have at a time: what is above it waits on the node. */
export const claimsPerMessageMax = 60;
/** Nodes, accounts and copies together, in one part of an overview. */
export const overviewEntriesPerMessageMax = 100;

/** Sources of secrets that one node may compare. */
export const readingsPerNodeMax = 200;
/** What one view of a secret takes of an overview's room. */
export const driftWeight = 20;

/** Incidents in one answer: with the longest sentences it fits a frame. */
export const incidentsShownMax = 60;
export const mutesMax = 100;
/** An account's name, or a store's path, cut. */
export const incidentIdCharsMax = 600;

/** A sentence for the operator, on the wire. */
export const sentenceCharsMax = 500;

/** Most of what stood in a store before that a node reports; the coordinator knows the rest. */
export const chainLinksMax = 16;
