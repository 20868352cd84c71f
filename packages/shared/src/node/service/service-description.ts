/** What a service manager has to know of one of the programs. */
export interface ServiceDescription {
  /** `authmesh-agent`, `authmesh-coordinator`: the unit's name without its ending. */
  readonly name: string;
  /** One line for the service manager's listings. */
  readonly summary: string;
  /** Absolute path of the program and its arguments. */
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
  /** systemd units that start after this one, where they are there. */
  readonly before: readonly string[];
  /** systemd units that this one starts after, where they are there. */
  readonly after: readonly string[];
}

/** OpenClaw's gateway as its own installer names the unit: it reads its logins when it starts. */
export const gatewayUnit = 'openclaw-gateway.service';

/** How long a manager waits for a program that it stops: longer than any drain (an agent ends the refresh that it has begun). */
export const stopSeconds = 75;
