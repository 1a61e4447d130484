// The requests of a probe: small GETs to the upstream itself, with its credentials, all under the probe's signal.
// What only adds to the picture may fail; it is then asked less often, so that no engine's log fills with our 404s.
import { MAX_PROBE_BODY_BYTES, MAX_PROBE_PAUSE } from '../../domain/limits.ts';

export interface ProbedUpstream {
  readonly name: string;
  readonly kind: string;
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Why an upstream cannot be used, in a few words. */
export interface Fault {
  readonly problem: string;
  /** False for what happens now and then to every server: a late answer, a dropped connection. */
  readonly certain: boolean;
}

export type Answer =
  | { readonly kind: 'reply'; readonly status: number; readonly text: string }
  | { readonly kind: 'silence'; readonly fault: Fault };

/** The requests of one probe. */
export interface Ask {
  /** What decides whether the upstream is healthy. */
  get(url: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /**
   * What is good to know: the text of a 200, or null. Asked at every `every`th probe, after failures less often;
   * null in between.
   */
  optional(url: string, every?: number): Promise<string | null>;
}

/** One probe's requests, and what they showed of the connection. */
export interface Round {
  readonly ask: Ask;
  /** Whether any HTTP reply came. */
  isAnswered(): boolean;
  /** From the start until the last answer to `get`. */
  latencyMs(): number;
}

export interface Asker {
  begin(signal: AbortSignal): Round;
  /** An upstream that comes back may have been started with other flags. */
  forgetFailures(): void;
}

export function createAsker(upstream: ProbedUpstream, elapsed: () => number): Asker {
  const pauses = new Map<string, { readonly failures: number; readonly until: number }>();
  let probes = 0;

  function begin(signal: AbortSignal): Round {
    const probe = probes++;
    const startedAt = elapsed();
    let answeredAt = startedAt;
    let answered = false;

    async function get(url: string, headers = {}): Promise<Answer> {
      const answer = await fetchAnswer(url, {
        headers: { ...headers, ...upstream.headers },
        signal,
        onStatus: () => (answered = true),
      });
      return answer;
    }

    async function optional(url: string, every = 1): Promise<string | null> {
      const { failures, until } = pauses.get(url) ?? { failures: 0, until: probe };
      if (probe < until) return null;
      const answer = await get(url);
      const isGood = answer.kind === 'reply' && answer.status === 200;
      const wait = isGood ? every : Math.max(every, Math.min(2 ** (failures + 1), MAX_PROBE_PAUSE));
      pauses.set(url, { failures: isGood ? 0 : failures + 1, until: probe + wait });
      return isGood ? answer.text : null;
    }

    return {
      ask: {
        async get(url, headers) {
          const answer = await get(url, headers);
          answeredAt = elapsed();
          return answer;
        },
        optional,
      },
      isAnswered: () => answered,
      latencyMs: () => answeredAt - startedAt,
    };
  }

  return { begin, forgetFailures: () => pauses.clear() };
}

interface FetchOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  onStatus(): void;
}

async function fetchAnswer(url: string, options: FetchOptions): Promise<Answer> {
  const { headers, signal, onStatus } = options;
  try {
    const response = await fetch(url, {
      headers: {
        accept: '*/*',
        'accept-encoding': 'identity',
        'user-agent': 'dgx-chat-gateway',
        ...headers,
      },
      redirect: 'manual',
      // A probe shows that connections can be made; a pooled one that the server has just dropped shows nothing.
      keepalive: false,
      signal,
    });
    onStatus();
    return { kind: 'reply', status: response.status, text: await beginningOf(response) };
  } catch (error) {
    return { kind: 'silence', fault: silenceOf(error, signal) };
  }
}

/** The body's text as far as the ceiling: JSON cut there is none any more, of metrics the whole lines remain. */
async function beginningOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (!reader) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    const beyond = bytes - MAX_PROBE_BODY_BYTES;
    text += decoder.decode(beyond > 0 ? value.subarray(0, -beyond) : value, { stream: true });
    if (beyond <= 0) continue;
    await reader.cancel();
    return text.slice(0, text.lastIndexOf('\n') + 1);
  }
}

function silenceOf(error: unknown, signal: AbortSignal): Fault {
  if (signal.aborted) return { problem: 'no answer in time', certain: false };
  const code = String(error instanceof Error ? Reflect.get(error, 'code') : '');
  if (/ConnectionRefused|ECONNREFUSED|FailedToOpenSocket/.test(code))
    return { problem: 'connection refused', certain: true };
  if (/NOTFOUND|DNS/.test(code)) return { problem: 'unknown host', certain: true };
  if (/CERT|TLS|SSL/i.test(code)) return { problem: `no trusted TLS (${code})`, certain: true };
  return { problem: 'connection dropped', certain: false };
}

/** Where an engine's own endpoints are: beside the /v1 of its OpenAI-compatible ones. */
export function rootOf(baseUrl: string): string {
  return baseUrl.replace(/\/+$/, '').replace(/\/v1$/, '');
}

/**
 * What an answer says against the upstream. A server without a list of models (404, 405, 501) is alive, and so is one
 * that is busy (429).
 */
export function faultIn(answer: Answer): Fault | null {
  if (answer.kind === 'silence') return answer.fault;
  const { status } = answer;
  if (status === 401 || status === 403) return refusedKey(status);
  const isRedirect = status >= 300 && status < 400;
  const isFailure = status >= 500 && status !== 501;
  return isRedirect || isFailure ? { problem: `HTTP ${status}`, certain: true } : null;
}

export function refusedKey(status: number): Fault {
  return { problem: `refused the key (HTTP ${status})`, certain: true };
}

/** The text of a 200; null of anything else. */
export function textOf(answer: Answer): string | null {
  return answer.kind === 'reply' && answer.status === 200 ? answer.text : null;
}
