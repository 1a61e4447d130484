// One connection of a client: reads requests one after another, has each answered, and sends the replies in the same
// order. What comes early waits; what a reply leaves unread of its request goes by.
import { toGatewayError, type GatewayError } from '../../domain/errors.ts';
import {
  BODY_PROGRESS_BYTES,
  KEEP_ALIVE_SECONDS,
  LINGER_SECONDS,
  MAX_EARLY_BYTES,
  MAX_REQUEST_HEAD_BYTES,
  MAX_SKIPPED_BYTES,
  READ_IDLE_SECONDS,
} from '../../domain/limits.ts';
import type { StreamBody } from '../../domain/stream-body.ts';
import { IncomingRequest } from './incoming.ts';
import { isStream, type Reply } from './reply.ts';
import { StreamWriter, writeWhole, type ReplyForm } from './reply-writer.ts';
import { RequestBody, type BodyFlow } from './request-body.ts';
import { checkBeginning, malformed, parseHead, type RequestHead } from './request-head.ts';
import { SocketWriter } from './socket-writer.ts';

export interface Answering {
  answer(request: IncomingRequest): Promise<Reply>;
  /** The reply to what is no request, and to one whose answer failed beyond all handlers. */
  refuse(error: GatewayError): Reply;
  /** Monotonic milliseconds; may be a second late. */
  now(): number;
}

export type ClientSocket = Bun.Socket<ClientConnection>;

/** A request that is being read, answered, or both. */
interface Current {
  readonly head: RequestHead;
  readonly request: IncomingRequest;
  /** Its reply has gone out, and the rest of its body has still to go by. */
  isReplied: boolean;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const CR = 0x0d;
const LF = 0x0a;
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

export class ClientConnection implements BodyFlow {
  /** When it is hung up on, in milliseconds of `now`. */
  dueAt = Number.POSITIVE_INFINITY;
  readonly #socket: ClientSocket;
  readonly #answering: Answering;
  readonly #writer: SocketWriter;
  readonly #peer = (): string | undefined => this.#socket.remoteAddress;
  /** Bytes that belong to no request yet. */
  #early: Buffer | null = null;
  #current: Current | null = null;
  #stream: StreamWriter | null = null;
  /** Bytes of a head, or of a body since it was last given time. */
  #progress = 0;
  /** What may still go by unread; null while there may be another request. */
  #discards: number | null = null;
  #isPaused = false;
  #isClosed = false;

  constructor(socket: ClientSocket, answering: Answering) {
    this.#socket = socket;
    this.#answering = answering;
    this.#writer = new SocketWriter(socket);
    this.#isDueIn(READ_IDLE_SECONDS);
  }

  /** Whether nothing is asked on it, and nothing has still to be sent. */
  get isIdle(): boolean {
    return this.#current === null && this.#early === null && this.#writer.isFlushed;
  }

  data(bytes: Buffer): void {
    if (this.#discards !== null) return this.#discard(bytes.length);
    const current = this.#current;
    if (current && !current.request.body.isWhole) return this.#readBody(current, bytes, 0);
    this.#early = this.#early ? Buffer.concat([this.#early, bytes]) : bytes;
    if (!current && this.#writer.isFlushed) this.#readHeads();
    else if (this.#early.length > MAX_EARLY_BYTES) this.pause();
  }

  drained(): void {
    const wasFull = this.#writer.isFull;
    this.#writer.drain();
    if (wasFull && !this.#writer.isFull) this.#stream?.body.onRoom();
    if (this.#current) return;
    if (this.#discards !== null) this.#closeOnceSent();
    else {
      this.#isDueIn(KEEP_ALIVE_SECONDS);
      if (this.#writer.isFlushed) this.#readHeads();
    }
  }

  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const [current, stream] = [this.#current, this.#stream];
    this.#current = null;
    this.#stream = null;
    current?.request.body.broke(new Error('the client closed the connection'));
    if (current && !current.isReplied) current.request.onGone?.();
    stream?.body.onGone();
  }

  /** Ends the connection at once, whatever is going on on it. */
  hangUp(): void {
    this.#socket.terminate();
  }

  goOn(): void {
    const expected = this.#current?.head.headers.get('expect');
    if (expected?.toLowerCase() === '100-continue') this.#writer.write(CONTINUE, CONTINUE.length);
  }
  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
  }
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (!this.#isClosed) this.#socket.resume();
  }

  #isDueIn(seconds: number): void {
    this.dueAt = this.#answering.now() + seconds * 1000;
  }

  /** Begins with the request that has come early, if its head is whole. */
  #readHeads(): void {
    while (this.#early && !this.#current && this.#discards === null && !this.#isClosed) {
      const bytes = this.#early;
      // Some clients end a body with an empty line that does not belong to it.
      const start = bytes[0] === CR && bytes[1] === LF ? 2 : 0;
      const end = bytes.indexOf(HEAD_END, start);
      const headEnd = end === -1 ? bytes.length : end;
      const text = bytes.toString('latin1', start, Math.min(headEnd, MAX_REQUEST_HEAD_BYTES));
      if (end === -1 || headEnd > MAX_REQUEST_HEAD_BYTES) return this.#awaitHead(text, headEnd);
      this.#early = null;
      this.#begin(text, bytes, end + HEAD_END.length);
    }
  }

  #awaitHead(text: string, length: number): void {
    try {
      checkBeginning(text);
      if (length >= MAX_REQUEST_HEAD_BYTES)
        throw malformed(`its headers are longer than ${MAX_REQUEST_HEAD_BYTES} bytes`);
    } catch (error) {
      return this.#refuse(toGatewayError(error));
    }
    this.resume();
    // All of it, from its first byte on: more bytes do not get it more time.
    if (this.#progress === 0) this.#isDueIn(READ_IDLE_SECONDS);
    this.#progress = length;
  }

  #begin(text: string, bytes: Buffer, bodyAt: number): void {
    let head: RequestHead;
    try {
      head = parseHead(text);
    } catch (error) {
      return this.#refuse(toGatewayError(error));
    }
    const request = new IncomingRequest(head, new RequestBody(head.framing, this), this.#peer);
    const current: Current = { head, request, isReplied: false };
    this.#current = current;
    this.#progress = 0;
    this.#isDueIn(READ_IDLE_SECONDS);
    this.#readBody(current, bytes, bodyAt);
    this.#answering.answer(request).then(
      (reply) => this.#reply(current, reply),
      (error: unknown) => this.#reply(current, this.#answering.refuse(toGatewayError(error))),
    );
  }

  #readBody(current: Current, bytes: Buffer, from: number): void {
    const { body } = current.request;
    let end: number;
    try {
      end = body.push(bytes, from);
    } catch (error) {
      // Nobody knows where the next request would begin.
      this.#discards = MAX_SKIPPED_BYTES;
      body.broke(error);
      if (current.isReplied) this.#finish();
      return;
    }
    if (end < bytes.length) this.#early = bytes.subarray(end);
    if (!body.isWhole) return this.#noteProgress(end - from);
    this.dueAt = Number.POSITIVE_INFINITY;
    if (current.isReplied) this.#finish();
  }

  /** A body that comes in drops gets no more time. */
  #noteProgress(bytes: number): void {
    this.#progress += bytes;
    if (this.#progress < BODY_PROGRESS_BYTES) return;
    this.#progress = 0;
    this.#isDueIn(READ_IDLE_SECONDS);
  }

  /** What has come is no request; it is told so, and nothing more is read. */
  #refuse(error: GatewayError): void {
    this.#early = null;
    this.#discards = MAX_SKIPPED_BYTES;
    const reply = this.#answering.refuse(error);
    writeReply(this.#writer, reply, { hasBody: true, isLast: true, takesChunks: true });
    this.#closeOnceSent();
  }

  #reply(current: Current, reply: Reply): void {
    const { body } = reply;
    if (this.#isClosed) {
      if (isStream(body)) body.onGone();
      return;
    }
    const { head, request } = current;
    const isLast =
      !head.isKept ||
      this.#discards !== null ||
      request.body.left > MAX_SKIPPED_BYTES ||
      reply.headers.get('connection') === 'close';
    if (isLast) this.#discards ??= MAX_SKIPPED_BYTES;
    const form = { hasBody: head.method !== 'HEAD', isLast, takesChunks: head.takesChunks };
    if (isStream(body) && form.hasBody)
      return this.#replyStreamed(current, { ...reply, body }, form);
    writeReply(this.#writer, reply, form);
    this.#replied(current);
  }

  #replyStreamed(current: Current, reply: Reply & { body: StreamBody }, form: ReplyForm): void {
    const onEnd = (isWhole: boolean): void => {
      this.#stream = null;
      if (isWhole) this.#replied(current);
      else this.hangUp();
    };
    this.#stream = new StreamWriter(this.#writer, reply, { ...form, onEnd });
    this.#stream.begin();
  }

  #replied(current: Current): void {
    current.isReplied = true;
    current.request.body.skip();
    if (current.request.body.isWhole || this.#discards !== null) this.#finish();
  }

  /** The request is over, with its reply and its body. */
  #finish(): void {
    this.#current = null;
    if (this.#discards !== null) return this.#closeOnceSent();
    this.#isDueIn(KEEP_ALIVE_SECONDS);
    if (this.#early && this.#writer.isFlushed) this.#readHeads();
  }

  /** Says that nothing more is sent, and lets by what the client is still sending: a reset would take its reply away. */
  #closeOnceSent(): void {
    this.#early = null;
    this.resume();
    this.#isDueIn(this.#writer.isFlushed ? LINGER_SECONDS : KEEP_ALIVE_SECONDS);
    if (this.#writer.isFlushed) this.#socket.shutdown();
  }

  #discard(length: number): void {
    this.#discards = (this.#discards ?? 0) - length;
    if (this.#discards < 0) this.hangUp();
  }
}

function writeReply(writer: SocketWriter, { status, headers, body }: Reply, form: ReplyForm): void {
  // Of a stream, HEAD is told no length.
  writeWhole(writer, { status, headers, body: isStream(body) ? null : body }, form);
}
