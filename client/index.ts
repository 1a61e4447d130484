// A client for /c1: sends one message, yields the answer's text, and survives what networks do. It sends an
// idempotency key, so that a repeated request never asks twice, and after a lost connection it resumes the stream
// after the last event that it has seen. No dependency; runs in browsers, Bun, Deno and Node.
import { ChatError, errorDetails, isRecord, type ChatErrorDetails } from './errors.ts';
import { readEvents } from './events.ts';

export { ChatError } from './errors.ts';

export interface ChatClientOptions {
  /** The gateway's address, such as `http://127.0.0.1:3000`; in a page, `''` is the page's own host. */
  readonly baseUrl: string;
  readonly token: string;
  /** How long a turn tries to reach the gateway again before it fails, in milliseconds. Default 60,000. */
  readonly reconnectMs?: number;
  /** Instead of the global fetch. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** The fields of POST /c1/chat; any other one is carried to the model. */
export interface ChatMessage {
  readonly model: string;
  /** A text or OpenAI content parts. */
  readonly message?: string | readonly object[];
  /** Absent for a new conversation. */
  readonly conversation_id?: string;
  readonly user_id?: string;
  readonly system?: string;
  readonly images?: readonly string[];
  readonly tool_results?: readonly { readonly tool_call_id: string; readonly content: string }[];
  readonly [field: string]: unknown;
}

export interface SendOptions {
  /** The same key and the same message are the same turn, also from another process. Default: a fresh one. */
  readonly idempotencyKey?: string;
  /** Stops following the turn; it goes on in the gateway. Use `cancel` to end it there. */
  readonly signal?: AbortSignal;
}

/** The text of an answer as it comes, and what is known of its turn once it has begun. */
export interface Turn extends AsyncIterable<string> {
  /** Null until the gateway has accepted the message. */
  readonly id: string | null;
  readonly conversationId: string | null;
  /** Everything yielded so far. */
  readonly text: string;
  /** Why the model stopped: `stop`, `length`, `tool_calls`, …; null until it has. */
  readonly finishReason: string | null;
  /** Every chunk's JSON as it comes, for tool calls, usage and whatever else the upstream says. */
  onChunk: ((chunk: Record<string, unknown>) => void) | null;
  /** Ends the turn in the gateway; what has come of the answer is kept there. */
  cancel(): Promise<void>;
}

export interface ChatClient {
  /** Nothing is sent before the turn is iterated. Iterating throws a ChatError when the turn does not complete. */
  send(message: ChatMessage, options?: SendOptions): Turn;
}

export function createChatClient(options: ChatClientOptions): ChatClient {
  return { send: (message, sendOptions = {}) => new ResumingTurn(options, message, sendOptions) };
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;

class ResumingTurn implements Turn {
  id: string | null = null;
  conversationId: string | null = null;
  text = '';
  finishReason: string | null = null;
  onChunk: Turn['onChunk'] = null;

  readonly #options: ChatClientOptions;
  readonly #body: string;
  readonly #userId: string | undefined;
  readonly #key: string;
  readonly #signal: AbortSignal | null;
  #lastEvent: string | null = null;

  constructor(options: ChatClientOptions, message: ChatMessage, send: SendOptions) {
    this.#options = options;
    this.#body = JSON.stringify({ ...message, stream: true });
    this.#userId = message.user_id;
    this.#key = send.idempotencyKey ?? crypto.randomUUID();
    this.#signal = send.signal ?? null;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void> {
    let giveUpAt: number | null = null;
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      const lost = yield* this.#follow();
      if (lost === null) return;
      // Progress since the last loss starts the patience anew.
      const now = Date.now();
      if (lost.progressed || giveUpAt === null) {
        giveUpAt = now + (this.#options.reconnectMs ?? 60_000);
        pauseMs = FIRST_PAUSE_MS;
      }
      if (now + pauseMs > giveUpAt) throw new ChatError(lost.details, this.text, lost.cause);
      await this.#pause(lost.retryAfterMs ?? pauseMs);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }

  async cancel(): Promise<void> {
    if (this.id === null) return;
    const response = await this.#request(`/c1/turns/${this.id}/cancel`, { method: 'POST' });
    if (!response.ok)
      throw new ChatError(errorDetails(await response.text(), response.status), this.text);
  }

  /** One connection: yields text until the turn ends (null) or the connection does (why, and whether it can go on). */
  async *#follow(): AsyncGenerator<string, Lost | null> {
    let progressed = false;
    try {
      const response = this.id === null ? await this.#ask() : await this.#resume();
      if (!response.ok || !response.body) {
        const details = errorDetails(await response.text(), response.status);
        if (!mayRepeat(response.status)) throw new ChatError(details, this.text);
        return { details, progressed, retryAfterMs: retryAfterMs(response.headers), cause: null };
      }
      this.id = response.headers.get('x-turn-id') ?? this.id;
      this.conversationId = response.headers.get('x-conversation-id') ?? this.conversationId;
      for await (const { id, data } of readEvents(response.body)) {
        if (data === '[DONE]') return null;
        const text = this.#take(data);
        this.#lastEvent = id ?? this.#lastEvent;
        progressed = true;
        if (text !== '') yield text;
      }
      return { details: cutOff('the stream ended before the answer did'), progressed, cause: null };
    } catch (cause) {
      if (cause instanceof ChatError || this.#signal?.aborted) throw cause;
      return { details: cutOff('the gateway could not be reached'), progressed, cause };
    }
  }

  #ask(): Promise<Response> {
    return this.#request('/c1/chat', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': this.#key },
      body: this.#body,
    });
  }

  #resume(): Promise<Response> {
    const headers: Record<string, string> =
      this.#lastEvent === null ? {} : { 'last-event-id': this.#lastEvent };
    return this.#request(`/c1/turns/${this.id}/events`, { headers });
  }

  #request(
    path: string,
    init: { method?: string; headers?: Record<string, string>; body?: string },
  ): Promise<Response> {
    const { baseUrl, token, fetch: ask = fetch } = this.#options;
    const user =
      this.#userId !== undefined && init.body === undefined
        ? `?user_id=${encodeURIComponent(this.#userId)}`
        : '';
    return ask(`${baseUrl.replace(/\/$/, '')}${path}${user}`, {
      ...init,
      headers: { ...init.headers, authorization: `Bearer ${token}` },
      signal: this.#signal,
    });
  }

  /** Takes one event in; returns its text, or throws the error that it carries. */
  #take(data: string): string {
    const chunk: unknown = JSON.parse(data);
    if (!isRecord(chunk)) return '';
    if (chunk['error'] !== undefined) throw new ChatError(errorDetails(data, null), this.text);
    this.onChunk?.(chunk);
    const choice: unknown = Array.isArray(chunk['choices']) ? chunk['choices'][0] : null;
    if (!isRecord(choice)) return '';
    if (typeof choice['finish_reason'] === 'string') this.finishReason = choice['finish_reason'];
    const content: unknown = isRecord(choice['delta']) ? choice['delta']['content'] : null;
    if (typeof content !== 'string') return '';
    this.text += content;
    return content;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const signal = this.#signal;
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}

interface Lost {
  readonly details: ChatErrorDetails;
  /** Whether anything new came over this connection. */
  readonly progressed: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly cause: unknown;
}

/** Replies that say nothing about the turn: the gateway is starting, stopping or busy. */
function mayRepeat(status: number): boolean {
  return status === 429 || status === 502 || status === 503 || status === 504;
}

function retryAfterMs(headers: Headers): number | undefined {
  const ms = Number(headers.get('retry-after-ms') ?? Number.NaN);
  return Number.isFinite(ms) ? ms : undefined;
}

function cutOff(message: string): ChatErrorDetails {
  return {
    code: 'network_error',
    message,
    param: null,
    retryable: true,
    requestId: null,
    status: null,
  };
}
