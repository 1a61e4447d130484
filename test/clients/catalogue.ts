// Everything that is tried, in the order in which it is.
import { AGENTS } from './agents.ts';
import { aimock } from './aimock.ts';
import { docs } from './docs.ts';
import { runClient } from './run-client.ts';
import { SDKS } from './sdks.ts';
import { steady } from './steady.ts';
import type { Trial } from './trial.ts';

export const TRIALS: readonly Trial[] = [
  ...[...SDKS, ...AGENTS].map((client) => ({
    name: client.name,
    packages: client.packages,
    run: () => runClient(client),
  })),
  docs,
  aimock,
  steady,
];
