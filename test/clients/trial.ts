// One row of the table that `npm run test:clients` prints: what is installed, and how it is tried.
import type { Packages } from './install.ts';

export interface Trial {
  readonly name: string;
  readonly packages: Packages;
  run(): Promise<Result>;
}

export interface Result {
  readonly did: string;
  /** That went through the gateway, from a client or to an upstream. */
  readonly requests: number;
  readonly faults: readonly string[];
  /** What was not tried, and why. */
  readonly skipped?: readonly string[];
}
