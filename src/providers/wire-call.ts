// One request on a connection, from its first byte out to its last byte in: what has come and was not read, who waits
// for more, and what an abort or a broken connection means for them.
import { END, type Shortcut, type Sink, type Spring } from '../domain/pieces.ts';
import type { Ending } from '../domain/stages.ts';
import type { Abortable, AbortListener } from './guarded-call.ts';
import { createReplyParser, WireError, type ReplyHead } from './http1-reply.ts';

export interface WireReply extends ReplyHead {
  readonly body: Spring<Uint8Array>;
}

export interface WireRequest {
  /** Of its head those that are its own, as `headerLines` makes them. */
  readonly lines: string;
  readonly body: string;
  /** The same, where it is at hand. */
  readonly bytes?: readonly Uint8Array[] | undefined;
  readonly call: Abortable;
}

/** What is known of a connection. */
export interface Line {
  /** What it is busy with. */
  call: WireCall | null;
  /** Of the request, what the socket did not take yet. */
  unsent: readonly Uint8Array[];
  /** Whether a slow reader holds it back. */
  isPaused: boolean;
}
export type Connection = Bun.Socket<Line>;

/** What may wait to be read before the connection is paused, in bytes. */
const UNREAD_BYTES = 64 * 1024;

interface Waiting {
  resolve(result: IteratorResult<Uint8Array, void>): void;
  reject(error: unknown): void;
}

/** Where a call's connection comes from, and goes to when it is over. */
export interface Connections {
  /** The reply has come to its end. */
  giveBack(connection: Connection, isReusable: boolean): void;
  /** The kept connection was closed as the request went out on it: sends it again on a new one. */
  renew(call: WireCall): void;
}

/** The reply is the call itself: its head can be asked for once `reply` has resolved. */
export class WireCall implements WireReply, AbortListener {
  /** Resolves with the head. Rejects with a WireError, or the reason of an abort. */
  readonly reply: Promise<WireReply>;
  readonly request: WireRequest;
  readonly #settle: PromiseWithResolvers<WireReply>;
  readonly #inbox = new Inbox(this);
  readonly #connections: Connections;
  readonly #parser = createReplyParser();
  #connection: Connection | null = null;
  /** Whether its connection has been used before. */
  #isOnUsed = false;
  /** Whether anything of a reply has come. */
  #hasBegun = false;
  #isTold = false;
  #isOver = false;

  constructor(request: WireRequest, connections: Connections) {
    const owner = request.call;
    this.request = request;
    this.#settle = Promise.withResolvers();
    this.reply = this.#settle.promise;
    this.#connections = connections;
    owner.tell(this);
    if (owner.isAborted()) this.failed(owner.reason());
  }

  get status(): number {
    return this.#parser.head()?.status ?? 0;
  }
  header(name: string): string | null {
    return this.#parser.head()?.header(name) ?? null;
  }
  get body(): Spring<Uint8Array> {
    return this.#inbox;
  }

  connected(opened: Connection, isUsed: boolean): void {
    if (this.#isOver) opened.terminate();
    else this.#connection = opened;
    this.#isOnUsed = isUsed;
  }

  push(bytes: Buffer): void {
    const shortcut = this.#inbox.shortcut;
    if (shortcut !== null) {
      const start = this.#parser.dataOfOneChunk(bytes);
      if (start !== -1 && this.#inbox.pass(shortcut, bytes, start)) return;
    }
    this.#hasBegun = true;
    if (this.#isOver) return;
    try {
      const body = this.#parser.push(bytes);
      this.#tell();
      if (body.length > 0) this.#inbox.add(body);
    } catch (error) {
      return this.failed(error);
    }
    this.#endWhereWhole();
  }

  /** The connection has been closed. */
  closed(): void {
    if (this.#isOver) return;
    try {
      this.#parser.end();
    } catch (error) {
      return this.failed(error);
    }
    this.#endWhereWhole();
  }

  failed(error: unknown): void {
    if (this.#isOver) return;
    if (this.#mayBeSentAgain(error)) {
      this.#dropped()?.terminate();
      this.#connections.renew(this);
      return;
    }
    this.#leave()?.terminate();
    this.#settle.reject(error);
    this.#inbox.end({ error });
  }

  pause(): void {
    this.#hold(true);
  }
  resume(): void {
    this.#hold(false);
  }

  #hold(isPaused: boolean): void {
    const connection = this.#connection;
    if (!connection) return;
    connection.data.isPaused = isPaused;
    if (isPaused) connection.pause();
    else connection.resume();
  }

  /** A kept connection that closed as the request went out says nothing of the upstream. */
  #mayBeSentAgain(error: unknown): boolean {
    if (!this.#isOnUsed || this.#hasBegun || this.request.call.isAborted()) return false;
    return error instanceof WireError && error.code === 'ECONNRESET';
  }

  #tell(): void {
    if (this.#isTold || !this.#parser.head()) return;
    this.#isTold = true;
    this.#settle.resolve(this);
  }

  #endWhereWhole(): void {
    if (this.#isOver || !this.#parser.isWhole()) return;
    // The next request may have the connection before this reply has been read.
    const left = this.#leave();
    if (left) this.#connections.giveBack(left, this.#parser.isReusable());
    this.#inbox.end(WHOLE);
  }

  #leave(): Connection | null {
    this.#isOver = true;
    this.request.call.tell(null);
    return this.#dropped();
  }
  #dropped(): Connection | null {
    const left = this.#connection;
    this.#connection = null;
    if (left) left.data.call = null;
    return left;
  }
}

const WHOLE: Ending = {};

/** Pieces that have come, for a reader that pulls them, or a sink. */
class Inbox implements Spring<Uint8Array> {
  readonly #call: WireCall;
  readonly #pieces: Uint8Array[] = [];
  #unread = 0;
  #isPaused = false;
  #isBlocked = false;
  #isPumping = false;
  #ending: Ending | null = null;
  #waiting: Waiting | null = null;
  #sink: Sink<Uint8Array> | null = null;
  #ownShortcut: Shortcut | null = null;
  /** What may be given bytes that come now: null while others wait before them. */
  shortcut: Shortcut | null = null;

  constructor(call: WireCall) {
    this.#call = call;
  }

  /** Whether the sink has taken the data of a chunk at once; otherwise they are to be added. */
  pass(shortcut: Shortcut, bytes: Buffer, start: number): boolean {
    this.#isPumping = true;
    const full = shortcut(bytes, start, bytes.length - 2);
    this.#isPumping = false;
    if (full === false) return false;
    if (full && this.#sink) void this.#waitFor(full, this.#sink);
    // The call may have been aborted meanwhile.
    if (this.#ending ?? this.#isBlocked) this.#changed();
    return true;
  }
  add(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#unread += piece.length;
    this.#changed();
  }
  end(ending: Ending): void {
    this.#ending ??= ending;
    this.shortcut = null;
    this.#changed();
  }

  async next(): Promise<IteratorResult<Uint8Array, void>> {
    // Whoever reads the rest takes it from the sink, which has all that it wants.
    this.#sink = null;
    this.shortcut = null;
    const value = this.#shift();
    if (value) {
      this.#flow();
      return { done: false, value };
    }
    if (!this.#ending)
      return await new Promise((resolve, reject) => {
        this.#waiting = { resolve, reject };
      });
    if ('error' in this.#ending) throw this.#ending.error;
    return END;
  }
  /** All of it, where that has come in one piece already; then nothing more is to be read. */
  whole(): Uint8Array | null {
    if (!this.#ending || 'error' in this.#ending || this.#pieces.length !== 1) return null;
    return this.#shift() ?? null;
  }
  drive(sink: Sink<Uint8Array>): void {
    this.#sink = sink;
    this.#ownShortcut = sink.shortcut?.() ?? null;
    this.#pump(sink);
  }
  close(): void {
    this.#call.failed(new Error('nobody wants the body'));
  }

  /** Tells whoever waits of what has changed. */
  #changed(): void {
    if (this.#sink) return this.#pump(this.#sink);
    const reader = this.#waiting;
    this.#waiting = null;
    if (reader) this.next().then(reader.resolve, reader.reject);
    else this.#flow();
  }

  #pump(sink: Sink<Uint8Array>): void {
    // A sink that takes a piece may abort the call, which must not be told before it has returned.
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (!this.#isBlocked) {
      const piece = this.#shift();
      if (!piece) break;
      const full = sink.take(piece);
      if (full) void this.#waitFor(full, sink);
    }
    this.#isPumping = false;
    this.#flow();
    // The sink may have left the rest to another reader.
    if (this.#sink !== sink) return;
    const isIdle = !this.#isBlocked && this.#pieces.length === 0;
    this.shortcut = isIdle && !this.#ending ? this.#ownShortcut : null;
    if (!isIdle || !this.#ending) return;
    if ('error' in this.#ending) sink.fail(this.#ending.error);
    else sink.end();
  }
  async #waitFor(full: Promise<void>, sink: Sink<Uint8Array>): Promise<void> {
    this.#isBlocked = true;
    this.shortcut = null;
    await full;
    this.#isBlocked = false;
    this.#pump(sink);
  }

  #shift(): Uint8Array | undefined {
    const piece = this.#pieces.shift();
    this.#unread -= piece?.length ?? 0;
    return piece;
  }
  #flow(): void {
    const isFull = this.#isBlocked || this.#unread > UNREAD_BYTES;
    if (isFull === this.#isPaused) return;
    this.#isPaused = isFull;
    if (isFull) this.#call.pause();
    else this.#call.resume();
  }
}
