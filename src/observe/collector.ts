// The collector that spans are sent to, by OTLP over HTTP with JSON: what its answers mean for a batch.
import { MAX_COLLECTOR_REPLY_BYTES, MAX_RETRY_AFTER_MS, SPAN_EXPORT_MS } from '../domain/limits.ts';
import type { Sent } from './span-queue.ts';

export interface Collector {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Statuses after which OTLP lets a batch be sent again; after any other it is lost. */
const WORTH_ANOTHER_TRY = new Set([429, 502, 503, 504]);

/** Never rejects. */
export async function sendTo(
  { url, headers }: Collector,
  body: string,
  stop: AbortSignal,
): Promise<Sent> {
  const late = AbortSignal.timeout(SPAN_EXPORT_MS);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'dgx-chat-gateway', ...headers },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([late, stop]),
    });
    const text = await headOf(response);
    if (response.ok) return { kind: 'accepted', rejected: rejectedIn(text) };
    const problem = `HTTP ${response.status}`;
    if (!WORTH_ANOTHER_TRY.has(response.status)) return { kind: 'refused', problem };
    return { kind: 'failed', problem, afterMs: retryAfter(response.headers) };
  } catch (error) {
    return { kind: 'failed', problem: late.aborted ? 'no reply' : reasonOf(error), afterMs: null };
  }
}

/** What of the reply is worth reading, so that its connection can be used again. */
async function headOf(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of response.body ?? []) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length > MAX_COLLECTOR_REPLY_BYTES) break;
  }
  return text;
}

/** Spans that the collector did not want, although it took the batch. */
function rejectedIn(text: string): number {
  const told = /"rejectedSpans"\s*:\s*"?(\d{1,15})/.exec(text)?.[1];
  return Number(told ?? 0);
}

function retryAfter(headers: Headers): number | null {
  const seconds = headers.get('retry-after');
  if (seconds === null || !/^\d{1,9}$/.test(seconds)) return null;
  return Math.min(Number(seconds) * 1_000, MAX_RETRY_AFTER_MS);
}

/** Short, and without the address: that may hold a key. */
function reasonOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : 'the connection failed';
}
