// How late the event loop is, for the dashboard: watched from the first look on, each look since the one before. Not
// the one in /metrics, whose figures begin anew with each scrape.
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface LoopLag {
  readonly p99Ms: number;
  readonly maxMs: number;
}

const NANOS = 1e6;
const RESOLUTION_MS = 20;

/** null at the first look, and where nothing was seen since the last. */
export function watchLoopLag(): () => LoopLag | null {
  let histogram: ReturnType<typeof monitorEventLoopDelay> | undefined;
  return () => {
    if (!histogram) {
      histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      histogram.enable();
      return null;
    }
    const { max } = histogram;
    const p99 = histogram.percentile(99);
    histogram.reset();
    if (!(max > 0)) return null;
    return { p99Ms: rounded(p99), maxMs: rounded(max) };
  };
}

function rounded(nanos: number): number {
  return Math.round(nanos / (NANOS / 10)) / 10;
}
