// The body of a request that is sent in chunks, read strictly: RFC 9112, section 7.1.
import { MAX_REQUEST_HEAD_BYTES } from '../../domain/limits.ts';
import { malformed } from './request-head.ts';

const CR = 0x0d;
const LF = 0x0a;

export class ChunkReader {
  isWhole = false;
  #in: 'size' | 'data' | 'line end' | 'trailers' = 'size';
  /** Of the chunk, the bytes that are still to come. */
  #left = 0;
  #line = '';
  /** Bytes of extensions and trailers, which are for nobody and could go on for ever. */
  #overhead = 0;

  /** Reads bytes from `from` on, and resolves to where it stopped: behind the body's end, or behind the bytes' own. */
  read(bytes: Buffer, from: number, onData: (piece: Buffer) => void): number {
    let at = from;
    while (at < bytes.length && !this.isWhole) {
      if (this.#in === 'data') at = this.#readData(bytes, at, onData);
      else at = this.#readLine(bytes, at);
    }
    return at;
  }

  #readData(bytes: Buffer, from: number, onData: (piece: Buffer) => void): number {
    const to = Math.min(bytes.length, from + this.#left);
    onData(bytes.subarray(from, to));
    this.#left -= to - from;
    if (this.#left === 0) this.#in = 'line end';
    return to;
  }

  #readLine(bytes: Buffer, from: number): number {
    const end = bytes.indexOf(LF, from);
    const to = end === -1 ? bytes.length : end + 1;
    this.#line += bytes.toString('latin1', from, to);
    if (this.#overhead + this.#line.length > MAX_REQUEST_HEAD_BYTES)
      throw malformed('there is more between its chunks than in them');
    if (this.#in === 'line end' && !'\r\n'.startsWith(this.#line)) throw notChunked();
    if (end !== -1) this.#takeLine();
    return to;
  }

  #takeLine(): void {
    const line = this.#line;
    this.#line = '';
    if (line.length < 2 || line.charCodeAt(line.length - 2) !== CR) throw notChunked();
    if (this.#in === 'line end') this.#in = 'size';
    else if (this.#in === 'size') this.#takeSize(line);
    else if (line === '\r\n') this.isWhole = true;
    else this.#overhead += line.length;
  }

  #takeSize(line: string): void {
    const [, digits] =
      /^([0-9a-f]{1,12})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n$/i.exec(line) ?? [];
    if (digits === undefined) throw notChunked();
    this.#left = Number.parseInt(digits, 16);
    this.#in = this.#left === 0 ? 'trailers' : 'data';
    this.#overhead += line.length - digits.length - 2;
  }
}

function notChunked() {
  return malformed('its chunks are not as they should be', 'transfer-encoding');
}
