// One turn, followed over as many connections as it takes.
import { Connection, ConnectionLost } from './connection.ts';
import {
  ChatError,
  errorDetails,
  isPassing,
  isRecord,
  ownError,
  type ChatErrorDetails,
} from './errors.ts';
import { readEvents, type ServerEvent } from './events.ts';
import { HELD_MS, Patience, pause, retryAfterMs } from './patience.ts';
import type {
  ChatClientOptions,
  ChatMessage,
  Chunk,
  FollowOptions,
  SendOptions,
  Turn,
} from './types.ts';

/** How a connection ended before the turn did. */
interface Loss {
  readonly details: ChatErrorDetails;
  readonly retryAfterMs: number;
  readonly cause?: unknown;
}

export class ResumingTurn implements Turn {
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
  #isFollowed = false;
  /** The message may have reached the gateway. */
  #wasSent = false;
  /** Whether the connection under way, or the one before it, was worth being called one. */
  #worked = false;

  constructor(
    options: ChatClientOptions,
    what: { readonly message: ChatMessage } | { readonly turnId: string },
    { idempotencyKey, userId, signal }: SendOptions & FollowOptions,
  ) {
    this.#options = options;
    if ('turnId' in what) this.id = what.turnId;
    const message = 'message' in what ? what.message : {};
    this.#body = JSON.stringify({ ...message, stream: true });
    this.#userId = userId ?? ('message' in what ? what.message.user_id : undefined);
    this.#key = idempotencyKey ?? randomKey();
    this.#signal = signal ?? null;
  }

  /** One iteration at a time; one that was left is gone on with by the next, after the text that it had. */
  async *[Symbol.asyncIterator](): AsyncGenerator<string, void> {
    if (this.#isFollowed) throw new TypeError('This turn is being iterated already.');
    this.#isFollowed = true;
    try {
      const patience = new Patience(this.#options.reconnectMs ?? 60_000);
      for (;;) {
        const loss = yield* this.#follow();
        if (loss === null) return;
        const pauseMs = patience.afterLoss({ ...loss, worked: this.#worked });
        if (pauseMs === null) throw new ChatError(loss.details, this.text, loss.cause);
        await pause(pauseMs, this.#signal);
      }
    } finally {
      this.#isFollowed = false;
    }
  }

  async cancel(): Promise<void> {
    if (this.id === null && !this.#wasSent) return;
    // Not the signal that stops following: to stop following and then to cancel is a usual order.
    const connection = this.#connect(null);
    try {
      // The key leads to the turn also where its id has not come yet.
      if (this.id === null) await this.#accepted(await this.#ask(connection), connection);
      const path = `/c1/turns/${this.id}/cancel${this.#owner()}`;
      const response = await this.#request(connection, path, { method: 'POST' });
      const body = await connection.hear(response.text());
      if (!response.ok) throw new ChatError(errorDetails(body, response.status), this.text);
    } catch (cause) {
      if (!(cause instanceof ConnectionLost)) throw cause;
      throw new ChatError(unreachable(), this.text, cause);
    } finally {
      connection.close();
    }
  }

  /** One connection: yields text until the turn has completed (null) or the connection is lost. */
  async *#follow(): AsyncGenerator<string, Loss | null> {
    this.#signal?.throwIfAborted();
    const connection = this.#connect(this.#signal);
    this.#worked = false;
    let connectedAt = Number.POSITIVE_INFINITY;
    let isDone = false;
    try {
      const response =
        this.id === null ? await this.#ask(connection) : await this.#resume(connection);
      if (!response.ok || !response.body) return await this.#refused(response, connection);
      this.#learn(response.headers);
      connectedAt = performance.now();
      for await (const event of readEvents(response.body, connection)) {
        if (event.data === '[DONE]') {
          // Read on to the end, so that the connection can be used again.
          isDone = true;
          continue;
        }
        const chunk = this.#chunkIn(event);
        if ('details' in chunk) return chunk;
        const text = this.#take(chunk.chunk, event);
        if (text !== '') yield text;
      }
      return isDone ? null : { details: cutOff(), retryAfterMs: 0 };
    } catch (cause) {
      if (isDone) return null;
      if (!(cause instanceof ConnectionLost)) throw cause;
      if (this.#signal?.aborted) throw this.#signal.reason;
      return { details: unreachable(), retryAfterMs: 0, cause };
    } finally {
      this.#worked ||= performance.now() - connectedAt > HELD_MS;
      connection.close();
    }
  }

  /** An HTTP error: the message or the turn is refused (throws), or the gateway cannot look after it now. */
  async #refused(response: Response, connection: Connection): Promise<Loss> {
    this.#learn(response.headers);
    const details = errorDetails(await connection.hear(response.text()), response.status);
    if (isPassing(details)) return { details, retryAfterMs: retryAfterMs(response.headers) };
    if (this.id === null) this.#wasSent = false;
    throw new ChatError(details, this.text);
  }

  /** Makes sure that the reply names the turn. */
  async #accepted(response: Response, connection: Connection): Promise<void> {
    this.#learn(response.headers);
    if (this.id !== null) return;
    const body = response.ok ? '' : await connection.hear(response.text());
    throw new ChatError(errorDetails(body, response.status), this.text);
  }

  #learn(headers: Headers): void {
    this.id ??= headers.get('x-turn-id');
    this.conversationId ??= headers.get('x-conversation-id');
  }

  #ask(connection: Connection): Promise<Response> {
    this.#wasSent = true;
    const headers = { 'content-type': 'application/json', 'idempotency-key': this.#key };
    return this.#request(connection, '/c1/chat', { method: 'POST', headers, body: this.#body });
  }

  #resume(connection: Connection): Promise<Response> {
    const headers: Record<string, string> =
      this.#lastEvent === null ? {} : { 'last-event-id': this.#lastEvent };
    return this.#request(connection, `/c1/turns/${this.id}/events${this.#owner()}`, { headers });
  }

  #owner(): string {
    return this.#userId === undefined ? '' : `?user_id=${encodeURIComponent(this.#userId)}`;
  }

  #request(
    connection: Connection,
    path: string,
    init: { method?: string; headers?: Record<string, string>; body?: string },
  ): Promise<Response> {
    const { baseUrl, token, fetch: ask = fetch } = this.#options;
    const headers = { ...init.headers, authorization: `Bearer ${token}` };
    const url = `${baseUrl.replace(/\/+$/, '')}${path}`;
    return connection.hear(ask(url, { ...init, headers, signal: connection.signal }));
  }

  #connect(signal: AbortSignal | null): Connection {
    return new Connection(signal, this.#options.silenceMs ?? 45_000);
  }

  /** The chunk that an event carries, or the loss that it tells of. Throws the error that ended the turn. */
  #chunkIn({ id, data }: ServerEvent): { readonly chunk: Chunk } | Loss {
    const chunk = parsed(data);
    if (chunk['error'] === undefined) return { chunk };
    const details = errorDetails(data, null);
    // The turn's own end has an id, as all of its events have. Without one it is only this stream that failed.
    if (id === null && isPassing(details)) return { details, retryAfterMs: 0 };
    throw new ChatError(details, this.text);
  }

  /** Takes one chunk in and returns what it adds to the text. */
  #take(chunk: Chunk, { id, isSnapshot }: ServerEvent): string {
    this.#worked = true;
    this.#lastEvent = id ?? this.#lastEvent;
    // A page on another host may not see the headers; `<turn>.<number>` says it too.
    this.id ??= id === null ? null : id.slice(0, id.lastIndexOf('.'));
    const choice: unknown = Array.isArray(chunk['choices']) ? chunk['choices'][0] : null;
    const { delta, finish_reason: finishReason } = isRecord(choice) ? choice : {};
    if (typeof finishReason === 'string') this.finishReason = finishReason;
    const content: unknown = isRecord(delta) ? delta['content'] : null;
    const text = typeof content === 'string' ? content : '';
    const added = isSnapshot ? this.#missingOf(text) : text;
    this.text += added;
    this.onChunk?.(chunk, isSnapshot);
    return added;
  }

  /** What of the whole answer has not been yielded. */
  #missingOf(answer: string): string {
    if (answer.startsWith(this.text)) return answer.slice(this.text.length);
    const message =
      'The answer that the gateway has kept does not begin with the text shown so far.';
    throw new ChatError(ownError('answer_changed', message), this.text);
  }
}

function parsed(data: string): Chunk {
  try {
    const value: unknown = JSON.parse(data);
    return isRecord(value) ? value : {};
  } catch (cause) {
    // The gateway sends JSON: whatever this is, it was mangled on its way.
    throw new ConnectionLost('an event was unreadable', { cause });
  }
}

/** `crypto.randomUUID` is missing in pages that came over plain HTTP. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function unreachable(): ChatErrorDetails {
  return ownError('network_error', 'The gateway could not be reached.');
}

function cutOff(): ChatErrorDetails {
  return ownError('network_error', 'The stream ended before the answer did.');
}
