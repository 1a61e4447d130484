// Requests at a fixed concurrency, timed from the client's side.
import { TOKEN } from './processes.ts';

const HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` };

export interface Timing {
  /** Milliseconds, one per request. */
  readonly latencies: readonly number[];
  readonly seconds: number;
}

/** Sends `total` requests, `concurrency` at a time. */
export async function requests(
  url: string,
  { total, concurrency, body }: { total: number; concurrency: number; body: string },
): Promise<Timing> {
  const latencies: number[] = [];
  let sent = 0;
  const startedAt = performance.now();
  const worker = async () => {
    while (sent++ < total) {
      const from = performance.now();
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: HEADERS,
        body,
      });
      await response.bytes();
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      latencies.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return { latencies, seconds: (performance.now() - startedAt) / 1000 };
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}
