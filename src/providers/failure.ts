// Where upstream failures become GatewayErrors: the only file that reads an upstream's error bodies and the
// runtime's network errors. What is told to the client is the upstream's own message, made safe; never HTML, never
// anything about our credentials. The log is told of the failure, and not what the upstream said: it may quote a prompt.
import { GatewayError } from '../domain/errors.ts';
import { MAX_RETRY_AFTER_MS, MAX_UPSTREAM_MESSAGE_CHARS } from '../domain/limits.ts';
import { isObject } from '../json/document.ts';

// How engines say that a prompt is too long: in words (vLLM, OpenAI, OpenRouter, SGLang, llama.cpp, LM Studio, Ollama,
// Gemini) and in the `code` or `type` beside them.
const CONTEXT_OVERFLOW = [
  /maximum context length|context length is only|greater than the context length/i,
  /longer than the (?:model's context|context length)/i,
  /exceed(?:s|ed|ing)?(?: the)?(?: model's)?(?: available)? context (?:size|length|window|limit)/i,
  /context (?:size|length|window) (?:has been |was )?exceeded|context window is full/i,
  /prompt contains \d+ input tokens|input token count .{0,40}exceeds the maximum/i,
  /(?:input|prompt)(?: \(\d+ tokens\))? is too long/i,
  /^(?:context_length_exceeded|exceed_context_size_error)$/,
];

/** A reply's header by its name in lower case. */
type Header = (name: string) => string | null;

export type TimeLimit = 'connect' | 'first byte' | 'idle' | 'total';

export function timeoutError(limit: TimeLimit, ms: number, upstream: string): GatewayError {
  const what = {
    connect: 'did not accept a connection',
    'first byte': 'sent no first byte',
    idle: 'fell silent in mid-answer',
    total: 'did not finish',
  }[limit];
  return new GatewayError('upstream_timeout', {
    message: `The upstream "${upstream}" ${what} within its ${limit} timeout of ${ms} ms. Try again.`,
  });
}

/** A fetch or read that failed below HTTP. `begun`: whether part of a reply had come. */
export function transportError(cause: unknown, upstream: string, begun: boolean): GatewayError {
  if (cause instanceof GatewayError) return cause;
  if (networkReason(cause) === 'ZlibError') {
    return protocolError(upstream, 'sent a compressed reply that cannot be read', cause);
  }
  if (begun) return interruptedError(upstream, cause);
  return new GatewayError('upstream_unavailable', {
    message: `The upstream "${upstream}" could not be reached (${networkReason(cause)}). Try again shortly.`,
    cause,
  });
}

export function interruptedError(upstream: string, cause?: unknown): GatewayError {
  return new GatewayError('upstream_interrupted', {
    message: `The upstream "${upstream}" stopped before its answer was complete. Treat what came as unfinished.`,
    cause,
  });
}

export function protocolError(upstream: string, what: string, cause?: unknown): GatewayError {
  return new GatewayError('upstream_protocol_error', {
    message: `The upstream "${upstream}" ${what}. Try again; if it persists, the operator should look at it.`,
    cause,
  });
}

/** An HTTP status other than 2xx, with as much of its body as was read. */
export function statusError(
  upstream: string,
  { status, header, body }: { status: number; header: Header; body: string },
): GatewayError {
  const error = errorIn(body);
  const message = messageOf(error);
  const told = message === null ? '' : `: ${message}`;
  const worded = (what: string) => ({ logged: what, message: `${what}${told}` });
  if (status === 401 || status === 402 || status === 403 || isKeyRefusal(error)) {
    return new GatewayError('upstream_auth_failed', {
      message: `The upstream "${upstream}" refused the gateway's own credentials (HTTP ${status}). The operator has to check its api_key.`,
    });
  }
  if (status === 429) {
    return new GatewayError('upstream_rate_limited', {
      ...worded(`The upstream "${upstream}" is rate limiting`),
      ...retryAfter(header, error),
    });
  }
  if (status === 408 || status === 504) {
    return new GatewayError('upstream_timeout', {
      ...worded(`The upstream "${upstream}" reported a timeout of its own (HTTP ${status})`),
      ...retryAfter(header, error),
    });
  }
  // Some engines report it as a fault of their own; another try would end the same way.
  if (status >= 400 && isOverflow(error)) return overflow(upstream, message);
  if (status >= 500) {
    return new GatewayError('upstream_unavailable', {
      ...worded(`The upstream "${upstream}" failed (HTTP ${status})`),
      ...retryAfter(header, error),
    });
  }
  if (status >= 400) {
    return new GatewayError('upstream_rejected', {
      status,
      logged: `The upstream "${upstream}" refused the request (HTTP ${status})`,
      message: `The upstream "${upstream}" refused the request (HTTP ${status}): ${message ?? 'it gave no readable reason'}`,
    });
  }
  return protocolError(upstream, `answered HTTP ${status}, which is neither a reply nor an error`);
}

/** An error object inside a 2xx reply or in mid-stream: OpenRouter, vLLM, llama.cpp, SGLang. */
export function errorInReply(upstream: string, error: unknown): GatewayError {
  const message = messageOf(error) ?? 'no reason given';
  const status = statusOf(error);
  if (status !== null)
    return statusError(upstream, {
      status,
      header: () => null,
      body: JSON.stringify({ error }),
    });
  if (isOverflow(error)) return overflow(upstream, message);
  return new GatewayError('upstream_interrupted', {
    logged: `The upstream "${upstream}" failed`,
    message: `The upstream "${upstream}" failed: ${message}`,
  });
}

/** A prompt that the upstream will not answer, said in a 2xx reply: Gemini. Another try would end the same way. */
export function promptBlocked(upstream: string, reason: string): GatewayError {
  return new GatewayError('upstream_rejected', {
    logged: `The upstream "${upstream}" blocked the prompt`,
    message: `The upstream "${upstream}" blocked the prompt (${safeText(reason)}). Change what is asked.`,
    param: 'messages',
  });
}

/** Google answers a wrong key with status 400. */
function isKeyRefusal(error: unknown): boolean {
  return detailsOf(error).some(({ reason }) => String(reason).startsWith('API_KEY_'));
}

/** Google's RetryInfo: `"retryDelay": "34s"`. */
function retryDelayMs(error: unknown): number | undefined {
  for (const { retryDelay } of detailsOf(error)) {
    const [, seconds] = /^(\d+(?:\.\d+)?)s$/.exec(String(retryDelay)) ?? [];
    if (seconds !== undefined) return Number(seconds) * 1_000;
  }
  return undefined;
}

/** The typed details that Google's errors carry. */
function detailsOf(error: unknown): Record<string, unknown>[] {
  const details = isObject(error) ? error['details'] : null;
  return Array.isArray(details) ? details.filter(isObject) : [];
}

function isOverflow(error: unknown): boolean {
  const facts = isObject(error) ? [error['code'], error['type']] : [];
  return [messageOf(error), ...facts].some(
    (fact) => typeof fact === 'string' && CONTEXT_OVERFLOW.some((wording) => wording.test(fact)),
  );
}

function overflow(upstream: string, message: string | null): GatewayError {
  return new GatewayError('context_length_exceeded', {
    param: 'messages',
    logged: `The prompt does not fit into the model's context at "${upstream}"`,
    message: `The prompt does not fit into the model's context at "${upstream}": ${message ?? 'no reason given'}`,
  });
}

function statusOf(error: unknown): number | null {
  const code = isObject(error) ? Number(error['code']) : Number.NaN;
  return Number.isInteger(code) && code >= 400 && code <= 599 ? code : null;
}

/** What an error body says, without the envelope that it came in; null when that is nothing fit to show. */
function errorIn(body: string): unknown {
  const trimmed = body.trim();
  if (trimmed === '') return null;
  try {
    const parsed: unknown = JSON.parse(trimmed);
    // Gemini wraps its error in a list.
    const value: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
    return isObject(value) && value['error'] !== undefined ? value['error'] : value;
  } catch {
    return trimmed.startsWith('<') ? null : trimmed;
  }
}

/** The human message in any of the shapes that engines and proxies use; null when there is none. */
function messageOf(error: unknown): string | null {
  if (typeof error === 'string') return safeText(error);
  if (!isObject(error)) return null;
  const { message, detail } = error;
  if (typeof message === 'string') return safeText(message);
  if (typeof detail === 'string') return safeText(detail);
  // FastAPI lists what it could not validate.
  if (Array.isArray(detail)) {
    return safeText(
      detail.map((item) => (isObject(item) ? String(item['msg']) : String(item))).join('; '),
    );
  }
  return null;
}

function safeText(text: string): string {
  // Control characters could forge log lines or terminal output.
  return text
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, MAX_UPSTREAM_MESSAGE_CHARS);
}

/** How long the upstream asks to wait, capped at what SDKs honour; nothing where it does not say. */
function retryAfter(header: Header, error: unknown): { retryAfterMs?: number } {
  const ms = retryAfterMs(header) ?? retryDelayMs(error);
  return ms === undefined ? {} : { retryAfterMs: Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS) };
}

/** Retry-After in either of its forms: seconds or a date. */
function retryAfterMs(header: Header): number | undefined {
  const value = header('retry-after');
  if (value === null) return undefined;
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? ms : undefined;
}

function networkReason(cause: unknown): string {
  if (!(cause instanceof Error)) return 'network error';
  const code: unknown = Reflect.get(cause, 'code');
  return typeof code === 'string' ? code : 'network error';
}
