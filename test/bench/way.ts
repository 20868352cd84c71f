import type { Arrivals, LoginStore } from './login-store.ts';

/** Two hosts of one kind: what is saved in one file comes out in the other. */
export interface Way {
  readonly name: string;
  readonly source: string;
  readonly login: LoginStore;
  readonly arrivals: Arrivals;
  readonly stop: () => Promise<void>;
}
