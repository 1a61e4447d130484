// How long things took, counted in bins whose bounds never change: cheap to add to, to add up, and to read quantiles
// from. Each bound is half again the one before, so a quantile is off by less than that.

/** In milliseconds: the upper bound of each bin but the last, which takes what is longer. From 5 ms to 10 minutes. */
const BOUNDS = Array.from({ length: 29 }, (_, at) => 5 * 1.5 ** at);

export const BIN_COUNT = BOUNDS.length + 1;

const LOG_STEP = Math.log(1.5);
const LOG_FIRST = Math.log(5);

export function binOf(ms: number): number {
  if (!(ms > 5)) return 0;
  return Math.min(Math.ceil((Math.log(ms) - LOG_FIRST) / LOG_STEP - 1e-9), BIN_COUNT - 1);
}

/** Milliseconds below which a share of what was counted lies; null where nothing was. */
export function quantile(counts: ArrayLike<number>, share: number): number | null {
  let total = 0;
  for (let bin = 0; bin < BIN_COUNT; bin++) total += counts[bin] ?? 0;
  if (total === 0) return null;
  const wanted = share * total;
  let below = 0;
  for (let bin = 0; bin < BIN_COUNT; bin++) {
    const here = counts[bin] ?? 0;
    if (here > 0 && below + here >= wanted) return within(bin, (wanted - below) / here);
    below += here;
  }
  return within(BIN_COUNT - 1, 1);
}

/** A place in a bin: as if what it holds were spread evenly over it. */
function within(bin: number, share: number): number {
  const low = BOUNDS[bin - 1] ?? 0;
  const high = BOUNDS[bin] ?? low * 1.5;
  return low + (high - low) * Math.min(Math.max(share, 0), 1);
}
