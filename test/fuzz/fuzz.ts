// What the fuzzers share: a property that is tried so often, from a seed that is told when it fails.
import fc from 'fast-check';

export interface FuzzOptions {
  readonly seed: number;
  /** How many cases are tried. */
  readonly runs: number;
}

/** Rejects with the smallest case that was found to be wrong, and with its seed. */
export async function tryMany<T>(
  cases: fc.Arbitrary<T>,
  { seed, runs, check }: FuzzOptions & { check: (one: T) => Promise<void> },
): Promise<void> {
  await fc.assert(fc.asyncProperty(cases, check), {
    seed,
    numRuns: runs,
    // A case that hangs is one that fails, and what is smaller hangs as well.
    timeout: 20_000,
    interruptAfterTimeLimit: 300_000,
    maxSkipsPerRun: 1,
  });
}
