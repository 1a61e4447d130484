// The load: requests at a fixed concurrency, or paced streams side by side, timed from the client's side.
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

export interface StreamTiming extends Timing {
  readonly chunks: number;
}

/** Opens `streams` streams at once and reads each to its end; latencies are times to the first byte. */
export async function streams(
  url: string,
  { count, chunks, paceMs }: { count: number; chunks: number; paceMs: number },
): Promise<StreamTiming> {
  const latencies: number[] = [];
  let seen = 0;
  const body = `{"model":"bench","stream":true,"messages":[{"role":"user","content":"hi"}],"bench_stream":[${chunks},${paceMs}]}`;
  const startedAt = performance.now();
  const one = async () => {
    const from = performance.now();
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: HEADERS,
      body,
    });
    let first = true;
    let text = '';
    const decoder = new TextDecoder();
    for await (const bytes of response.body ?? []) {
      if (first) latencies.push(performance.now() - from);
      first = false;
      text += decoder.decode(bytes, { stream: true });
    }
    if (!text.endsWith('data: [DONE]\n\n')) throw new Error('a stream was cut');
    seen += text.split('"content":" token"').length - 1;
  };
  await Promise.all(Array.from({ length: count }, one));
  if (seen !== count * chunks) throw new Error(`${count * chunks - seen} chunks were lost`);
  return { latencies, seconds: (performance.now() - startedAt) / 1000, chunks: seen };
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}
