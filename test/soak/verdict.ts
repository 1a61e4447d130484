// What the soak fails on beyond single answers: memory that grows, lag that grows, and what is left when all is quiet.
import { leftovers, type Facts } from './quiet.ts';
import type { Sample } from './sampler.ts';

const MB = 1024 * 1024;

/** The first part of the load, in which code is compiled and pools fill. */
const WARM_UP = 0.25;

/** What is left of memory when nobody asks any more, as a multiple of what was left of a short load. */
const MOST_AFTERWARDS = 1.2;

/** So many samples make a slope; fewer show only chance. */
const ENOUGH = 60;

export function judgeSamples(samples: readonly Sample[]): string[] {
  const faults: string[] = [];
  const warm = samples.slice(Math.floor(samples.length * WARM_UP));
  if (warm.length < ENOUGH) return faults;
  const rise = riseOf(warm.map(({ at, residentBytes }) => [at, residentBytes]));
  const median = medianOf(warm.map(({ residentBytes }) => residentBytes));
  if (rise > Math.max(32 * MB, 0.2 * median))
    faults.push(
      `memory rises by ${Math.round(rise / MB)} MB from ${Math.round(median / MB)} MB at the median`,
    );
  const third = Math.floor(warm.length / 3);
  const lag = (part: readonly Sample[]) => medianOf(part.map(({ healthMs }) => healthMs));
  const [early, late] = [lag(warm.slice(0, third)), lag(warm.slice(-third))];
  if (late > 2 * early + 20)
    faults.push(`the lag grows from ${early.toFixed(1)} to ${late.toFixed(1)} ms at the median`);
  return faults;
}

/** How much the line through these points rises from the first to the last. */
export function riseOf(points: readonly (readonly [x: number, y: number])[]): number {
  const count = points.length;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / count;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / count;
  const above = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const below = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const [first, last] = [points[0]?.[0] ?? 0, points.at(-1)?.[0] ?? 0];
  return below === 0 ? 0 : (above / below) * (last - first);
}

export interface Quiet {
  readonly atStart: Facts;
  readonly wornIn: Facts;
  readonly afterwards: Facts;
}

/** `samples`: how many were taken under load; memory has a say only after a long one. */
export function judgeQuiet({ atStart, wornIn, afterwards }: Quiet, samples: number): string[] {
  const faults = leftovers(atStart, afterwards);
  if (samples >= ENOUGH && afterwards.residentBytes > MOST_AFTERWARDS * wornIn.residentBytes) {
    const [before, after] = [wornIn, afterwards].map(({ residentBytes }) =>
      Math.round(residentBytes / MB),
    );
    faults.push(`when all is quiet, ${after} MB of memory are left, and ${before} were before`);
  }
  return faults;
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
