// A reply on its way out: its head with what says how long the body is, and the body whole, or in chunks as it comes.
import type { BodyWriter, StreamBody } from '../../domain/stream-body.ts';
import { headOf, type Reply } from './reply.ts';
import type { SocketWriter } from './socket-writer.ts';

export interface ReplyForm {
  /** A reply to HEAD has none, and says how long it would be. */
  readonly hasBody: boolean;
  /** No other reply follows on this connection. */
  readonly isLast: boolean;
  readonly takesChunks: boolean;
}

/** Replies of these statuses have no body. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 304]);

/** Sends a reply that is complete, in one write where it is text. */
export function writeWhole(
  writer: SocketWriter,
  reply: Reply & { readonly body: string | Uint8Array | null },
  { hasBody, isLast }: ReplyForm,
): void {
  const { status } = reply;
  const body = reply.body ?? '';
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  const isSent = hasBody && !WITHOUT_BODY.has(status);
  const framing = WITHOUT_BODY.has(status) ? '' : `content-length: ${length}\r\n`;
  const head = `${headOf(reply)}${isLast ? closing(reply) : ''}${framing}\r\n`;
  if (!isSent || length === 0) return writer.write(head, head.length);
  if (typeof body === 'string') return writer.write(head + body, head.length + length);
  writer.write(Buffer.concat([Buffer.from(head, 'latin1'), body]), head.length + length);
}

function closing({ headers }: Reply): string {
  return headers.get('connection') === null ? 'connection: close\r\n' : '';
}

/** Sends a reply whose body comes over time. The head waits for the first of it, so that both go out at once. */
export class StreamWriter implements BodyWriter {
  readonly body: StreamBody;
  readonly #writer: SocketWriter;
  readonly #inChunks: boolean;
  readonly #onEnd: (isWhole: boolean) => void;
  #head: string;

  constructor(
    writer: SocketWriter,
    reply: Reply & { readonly body: StreamBody },
    { isLast, takesChunks, onEnd }: ReplyForm & { onEnd(isWhole: boolean): void },
  ) {
    this.body = reply.body;
    this.#writer = writer;
    this.#inChunks = takesChunks;
    this.#onEnd = onEnd;
    const framing = takesChunks ? 'transfer-encoding: chunked\r\n' : '';
    this.#head = `${headOf(reply)}${isLast ? closing(reply) : ''}${framing}\r\n`;
  }

  begin(): void {
    this.body.begin(this);
    this.#send('', 0);
  }

  write(text: string): boolean {
    if (text === '') return !this.#writer.isFull;
    const framed = this.#framed(text);
    this.#send(framed.text, framed.length);
    return !this.#writer.isFull;
  }

  writeBytes(buffer: Buffer, from: number, to: number): boolean {
    if (this.#head !== '') return this.write(buffer.toString('utf8', from, to));
    if (!this.#inChunks) this.#writer.writeBytes(buffer, from, to);
    else {
      // The frame goes into the room around the bytes.
      const start = sizeBefore(buffer, from, to - from);
      buffer[to] = CR;
      buffer[to + 1] = LF;
      this.#writer.writeBytes(buffer, start, to + 2);
    }
    return !this.#writer.isFull;
  }

  end(last = ''): void {
    const end = this.#inChunks ? LAST_CHUNK : '';
    const { text, length } = this.#framed(last);
    this.#send(text + end, length + end.length);
    this.#onEnd(true);
  }

  abort(): void {
    this.#onEnd(false);
  }

  /** As it is sent, and its length in bytes; nothing for nothing, since a chunk of nothing would be the end. */
  #framed(text: string): { text: string; length: number } {
    const length = Buffer.byteLength(text);
    if (!this.#inChunks || length === 0) return { text, length };
    const size = length.toString(16);
    return { text: `${size}\r\n${text}\r\n`, length: size.length + length + 4 };
  }

  #send(text: string, length: number): void {
    const head = this.#head;
    this.#head = '';
    if (head.length + length > 0) this.#writer.write(head + text, head.length + length);
  }
}

const CR = 0x0d;
const LF = 0x0a;
const DIGITS = Buffer.from('0123456789abcdef');

/** Writes the line that says the size of a chunk so that it ends before `end`; gives where it begins. */
function sizeBefore(buffer: Buffer, end: number, size: number): number {
  let at = end;
  buffer[--at] = LF;
  buffer[--at] = CR;
  for (let left = size; left > 0; left >>>= 4) buffer[--at] = DIGITS[left & 15] ?? 0;
  return at;
}

const LAST_CHUNK = '0\r\n\r\n';
