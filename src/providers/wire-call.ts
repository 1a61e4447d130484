// One request on a connection, from its first byte out to its last byte in: what has come and was not read, who waits
// for more, and what an abort or a broken connection means for them.
import { END, type Sink, type Spring } from '../domain/pieces.ts';
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
  unsent: Buffer;
}
export type Connection = Bun.Socket<Line>;

export interface WireCall {
  /** Resolves with the head. Rejects with a WireError, or the reason of an abort. */
  readonly reply: Promise<WireReply>;
  /** Whether anything of a reply has come. */
  hasBegun(): boolean;
  connected(connection: Connection): void;
  push(bytes: Buffer): void;
  /** The connection has been closed. */
  closed(): void;
  failed(error: unknown): void;
}

/** What may wait to be read before the connection is paused, in bytes. */
const UNREAD_BYTES = 64 * 1024;

interface Waiting {
  resolve(result: IteratorResult<Uint8Array, void>): void;
  reject(error: unknown): void;
}

/** `onWhole` gets the connection back when the reply has come to its end. */
export function createWireCall(
  owner: Abortable,
  onWhole: (connection: Connection, isReusable: boolean) => void,
): WireCall {
  const parser = createReplyParser();
  const { promise, resolve, reject } = Promise.withResolvers<WireReply>();
  const inbox = createInbox({
    pause: () => void connection?.pause(),
    resume: () => void connection?.resume(),
    close: () => failed(new Error('nobody wants the body')),
  });
  let connection: Connection | null = null;
  let hasBegun = false;
  let isTold = false;
  let isOver = false;

  function leave(): Connection | null {
    isOver = true;
    abort?.letGo();
    const left = connection;
    connection = null;
    if (left) left.data.call = null;
    return left;
  }
  function failed(error: unknown): void {
    if (isOver) return;
    leave()?.terminate();
    reject(error);
    inbox.fail(error);
  }
  function tell(): void {
    const head = parser.head();
    if (isTold || !head) return;
    isTold = true;
    const { status, headers } = head;
    resolve({ status, header: (name) => headers.get(name) ?? null, body: inbox.spring });
  }

  function take(read: () => Buffer | null): void {
    if (isOver) return;
    try {
      const body = read();
      tell();
      if (body && body.length > 0) inbox.add(body);
    } catch (error) {
      return failed(error);
    }
    if (!parser.isWhole()) return;
    // The next request may have the connection before this reply has been read.
    const left = leave();
    if (left) onWhole(left, parser.isReusable());
    inbox.end();
  }

  const abort = owner.onAbort(failed);
  if (owner.isAborted()) failed(owner.reason());
  return {
    reply: promise,
    hasBegun: () => hasBegun,
    connected(opened) {
      if (isOver) opened.terminate();
      else connection = opened;
    },
    push(bytes) {
      hasBegun = true;
      take(() => parser.push(bytes));
    },
    closed() {
      take(() => {
        parser.end();
        return null;
      });
    },
    failed,
  };
}

/** Pieces that have come, for a reader that pulls them, or a sink. */
function createInbox({ pause, resume, close }: Record<'pause' | 'resume' | 'close', () => void>) {
  const pieces: Uint8Array[] = [];
  let unread = 0;
  let isPaused = false;
  let isBlocked = false;
  let isPumping = false;
  let ending: { readonly error?: unknown } | null = null;
  let waiting: Waiting | null = null;
  let sink: Sink<Uint8Array> | null = null;

  function shift(): Uint8Array | undefined {
    const piece = pieces.shift();
    unread -= piece?.length ?? 0;
    return piece;
  }
  function flow(): void {
    const isFull = isBlocked || unread > UNREAD_BYTES;
    if (isFull === isPaused) return;
    isPaused = isFull;
    if (isFull) pause();
    else resume();
  }

  function pump(into: Sink<Uint8Array>): void {
    // A sink that takes a piece may abort the call, which must not be told before it has returned.
    if (isPumping) return;
    isPumping = true;
    for (let piece = isBlocked ? undefined : shift(); piece; piece = shift()) {
      const full = into.take(piece);
      if (!full) continue;
      isBlocked = true;
      void full.then(() => {
        isBlocked = false;
        pump(into);
      });
      break;
    }
    isPumping = false;
    flow();
    if (isBlocked || pieces.length > 0 || !ending) return;
    if ('error' in ending) into.fail(ending.error);
    else into.end();
  }

  function next(): Promise<IteratorResult<Uint8Array, void>> {
    const value = shift();
    if (value) {
      flow();
      return Promise.resolve({ done: false, value });
    }
    if (ending) return 'error' in ending ? Promise.reject(ending.error) : Promise.resolve(END);
    return new Promise((resolve, reject) => {
      waiting = { resolve, reject };
    });
  }

  /** Tells whoever waits of what has changed. */
  function changed(): void {
    if (sink) return pump(sink);
    const reader = waiting;
    waiting = null;
    if (reader) next().then(reader.resolve, reader.reject);
    else flow();
  }

  const spring: Spring<Uint8Array> = {
    next,
    drive(into) {
      sink = into;
      pump(into);
    },
    close,
  };
  return {
    spring,
    add(piece: Uint8Array) {
      pieces.push(piece);
      unread += piece.length;
      changed();
    },
    end() {
      ending ??= {};
      changed();
    },
    fail(error: unknown) {
      ending ??= { error };
      changed();
    },
  };
}
