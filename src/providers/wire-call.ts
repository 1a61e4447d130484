// One request on a connection, from its first byte out to its last byte in: what has come and was not read, who waits
// for more, and what an abort or a broken connection means for them.
import { END, type Shortcut, type Sink, type Spring } from '../domain/pieces.ts';
import type { Ending } from '../domain/stages.ts';
import type { Abortable } from './guarded-call.ts';
import { createReplyParser } from './http1-reply.ts';

export interface WireReply {
  readonly status: number;
  /** null where there is no such header. */
  header(name: string): string | null;
  readonly body: Spring<Uint8Array>;
}

/** What a connection is busy with. */
export interface Line {
  call: WireCall | null;
  /** Of the request, what the socket did not take yet. */
  unsent: readonly Uint8Array[];
}
export type Connection = Bun.Socket<Line>;

/** What may wait to be read before the connection is paused, in bytes. */
const UNREAD_BYTES = 64 * 1024;

interface Waiting {
  resolve(result: IteratorResult<Uint8Array, void>): void;
  reject(error: unknown): void;
}

/** Gets the connection back when the reply has come to its end. */
type OnWhole = (connection: Connection, isReusable: boolean) => void;

export class WireCall {
  /** Resolves with the head. Rejects with a WireError, or the reason of an abort. */
  readonly reply: Promise<WireReply>;
  /** Whether anything of a reply has come. */
  hasBegun = false;
  readonly #settle: PromiseWithResolvers<WireReply>;
  readonly #parser = createReplyParser();
  readonly #inbox = new Inbox(this);
  readonly #abort: { letGo(): void };
  readonly #onWhole: OnWhole;
  #connection: Connection | null = null;
  #isTold = false;
  #isOver = false;

  constructor(owner: Abortable, onWhole: OnWhole) {
    this.#settle = Promise.withResolvers();
    this.reply = this.#settle.promise;
    this.#onWhole = onWhole;
    this.#abort = owner.onAbort((reason) => this.failed(reason));
    if (owner.isAborted()) this.failed(owner.reason());
  }

  connected(opened: Connection): void {
    if (this.#isOver) opened.terminate();
    else this.#connection = opened;
  }

  push(bytes: Buffer): void {
    const shortcut = this.#inbox.shortcut;
    if (shortcut !== null) {
      const start = this.#parser.dataOfOneChunk(bytes);
      if (start !== -1 && this.#inbox.pass(shortcut, bytes, start)) return;
    }
    this.hasBegun = true;
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
    this.#leave()?.terminate();
    this.#settle.reject(error);
    this.#inbox.end({ error });
  }

  pause(): void {
    this.#connection?.pause();
  }
  resume(): void {
    this.#connection?.resume();
  }

  #tell(): void {
    const head = this.#isTold ? null : this.#parser.head();
    if (!head) return;
    this.#isTold = true;
    const { status, headers } = head;
    const header = (name: string) => headers.get(name) ?? null;
    this.#settle.resolve({ status, header, body: this.#inbox });
  }

  #endWhereWhole(): void {
    if (this.#isOver || !this.#parser.isWhole()) return;
    // The next request may have the connection before this reply has been read.
    const left = this.#leave();
    if (left) this.#onWhole(left, this.#parser.isReusable());
    this.#inbox.end({});
  }

  #leave(): Connection | null {
    this.#isOver = true;
    this.#abort.letGo();
    const left = this.#connection;
    this.#connection = null;
    if (left) left.data.call = null;
    return left;
  }
}

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
