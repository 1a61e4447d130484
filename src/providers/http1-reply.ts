// Reads replies of HTTP/1.1 (RFC 9112) from a connection's bytes, cut anywhere. It takes what a correct server sends and
// refuses the rest: whoever guesses where a reply ends may hand one caller's bytes to another.
import { MAX_REPLY_HEAD_BYTES } from '../domain/limits.ts';

export interface ReplyHead {
  readonly status: number;
  /** By its name in lower case; repeated ones joined by a comma, null where there is none. */
  header(name: string): string | null;
}

export interface ReplyParser {
  /** Of the reply itself, not of interim ones (1xx); null until it is whole. */
  head(): ReplyHead | null;
  isWhole(): boolean;
  /** Whether the connection can be used again after this reply. */
  isReusable(): boolean;
  /** The bytes of the body in what came, often none. Throws a WireError. */
  push(bytes: Buffer): Buffer;
  /** Where the data begins in bytes that are one whole chunk of a chunked body, and nothing else; -1 where they are not. */
  dataOfOneChunk(bytes: Buffer): number;
  /** The connection has ended. Throws a WireError unless that is how the reply ends. */
  end(): void;
}

/** What is wrong on the wire, by the codes that fetch has for it. */
export class WireError extends Error {
  readonly code: string;
  constructor(code: 'ECONNRESET' | 'ConnectionRefused' | 'Malformed_HTTP_Response' | 'ZlibError') {
    super(code);
    this.name = 'WireError';
    this.code = code;
  }
}

const malformed = () => new WireError('Malformed_HTTP_Response');
const EMPTY: Buffer = Buffer.alloc(0);
const CR = 0x0d;
const LF = 0x0a;

/** Where in a reply its next byte is. */
type Place = 'head' | 'body' | 'until_close' | 'size' | 'chunk' | 'trailers' | 'whole';

export function createReplyParser(): ReplyParser {
  return new Parser();
}

class Parser implements ReplyParser {
  #in: Place = 'head';
  /** Bytes that are left: of the body, or of a chunk and its line end. */
  #left = 0;
  /** Of a line that says the size of a chunk, or of the trailers, what has come. */
  #line = '';
  #pending: Buffer = EMPTY;
  #head: Head | null = null;
  #isReusable = false;

  head(): ReplyHead | null {
    return this.#head;
  }
  isWhole(): boolean {
    return this.#in === 'whole';
  }
  isReusable(): boolean {
    return this.#isReusable;
  }
  push(bytes: Buffer): Buffer {
    const rest = this.#in === 'head' ? this.#readHead(bytes) : bytes;
    return rest.length === 0 ? EMPTY : this.#readBody(rest);
  }
  dataOfOneChunk(bytes: Buffer): number {
    return this.#in === 'size' && this.#line === '' ? dataOfOneChunk(bytes) : -1;
  }
  end(): void {
    if (this.#in === 'until_close') this.#in = 'whole';
    if (this.#in !== 'whole') throw new WireError('ECONNRESET');
  }

  /** The bytes after the head, once that is whole. */
  #readHead(bytes: Buffer): Buffer {
    const seen = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    const end = seen.indexOf(HEAD_END);
    if ((end === -1 ? seen.length : end) > MAX_REPLY_HEAD_BYTES) throw malformed();
    if (end === -1) {
      this.#pending = seen;
      return EMPTY;
    }
    this.#pending = EMPTY;
    const head = new Head(seen.toString('latin1', 0, end));
    const rest = end + 4 === seen.length ? EMPTY : seen.subarray(end + 4);
    if (head.status >= 100 && head.status < 200) {
      if (head.status === 101) throw malformed();
      return rest.length === 0 ? rest : this.#readHead(rest);
    }
    this.#head = head;
    this.#begin(head);
    this.#isReusable = head.isKept() && this.#in !== 'until_close';
    return rest;
  }

  /** Where the body ends: RFC 9112, section 6.3. */
  #begin(head: Head): void {
    if (head.status === 204 || head.status === 304) {
      this.#in = 'whole';
      return;
    }
    const coding = head.header('transfer-encoding');
    const length = head.header('content-length');
    if (coding !== null) {
      // With both, somebody on the way may have read the other one.
      if (coding.toLowerCase() !== 'chunked' || length !== null) throw malformed();
      this.#in = 'size';
    } else if (length === null) this.#in = 'until_close';
    else {
      this.#left = lengthOf(length);
      this.#in = this.#left === 0 ? 'whole' : 'body';
    }
  }

  #readBody(bytes: Buffer): Buffer {
    if (this.#in === 'until_close') return bytes;
    if (this.#in === 'body') {
      if (bytes.length < this.#left) {
        this.#left -= bytes.length;
        return bytes;
      }
      this.#in = 'whole';
      if (bytes.length === this.#left) return bytes;
      // Nobody has asked for another reply: what follows is nobody's.
      this.#isReusable = false;
      return bytes.subarray(0, this.#left);
    }
    const pieces: Buffer[] = [];
    let from = 0;
    while (from < bytes.length && !this.isWhole()) from = this.#readChunked(bytes, from, pieces);
    if (from < bytes.length) this.#isReusable = false;
    const [first = EMPTY] = pieces;
    return pieces.length > 1 ? Buffer.concat(pieces) : first;
  }

  /** One step of a chunked body: the rest of the bytes, and what of them belongs to the body. */
  #readChunked(bytes: Buffer, from: number, pieces: Buffer[]): number {
    if (this.#in === 'chunk') {
      const data = bytes.subarray(from, from + Math.max(0, this.#left - 2));
      if (data.length > 0) pieces.push(data);
      const taken = Math.min(this.#left, bytes.length - from);
      this.#left -= taken;
      if (this.#left === 0) {
        this.#in = 'size';
        if (bytes[from + taken - 1] !== LF) throw malformed();
      }
      return from + taken;
    }
    if (this.#in !== 'size' && this.#in !== 'trailers') return bytes.length;
    const end = bytes.indexOf(LF, from);
    const line = this.#line + bytes.toString('latin1', from, end === -1 ? bytes.length : end + 1);
    if (line.length > MAX_REPLY_HEAD_BYTES) throw malformed();
    this.#line = end === -1 ? line : '';
    if (end === -1) return bytes.length;
    if (this.#in === 'size') this.#beginChunk(sizeOf(line));
    else if (line === '\r\n') this.#in = 'whole';
    return end + 1;
  }
  #beginChunk(size: number): void {
    this.#in = size === 0 ? 'trailers' : 'chunk';
    this.#left = size + 2;
  }
}

/** A head's text, with the places of its lines: most of them nobody asks for. */
class Head implements ReplyHead {
  readonly status: number;
  readonly #minor: number;
  readonly #text: string;
  /** Of each line where it begins, its colon, and where it ends. */
  readonly #places: number[] = [];

  constructor(text: string) {
    this.#text = text;
    let at = endOfLine(text, 0);
    this.#minor = text.charCodeAt(MINOR_AT);
    this.status = statusIn(text, at);
    while (at < text.length) {
      const start = at + 2;
      at = endOfLine(text, start);
      const colon = text.indexOf(':', start);
      // Neither folded lines nor a space before the colon, which are read in two ways.
      if (colon <= start || colon >= at || hasSpace(text, start, colon)) throw malformed();
      this.#places.push(start, colon, at);
    }
  }

  header(name: string): string | null {
    const places = this.#places;
    let found: string | null = null;
    for (let at = 0; at < places.length; at += 3) {
      const start = places[at] ?? 0;
      const colon = places[at + 1] ?? 0;
      if (colon - start !== name.length || !isNamed(this.#text, start, name)) continue;
      const value = trimmed(this.#text, colon + 1, places[at + 2] ?? 0);
      found = found === null ? value : `${found}, ${value}`;
    }
    return found;
  }
  /** Whether the server keeps the connection. */
  isKept(): boolean {
    const connection = this.header('connection')?.toLowerCase() ?? '';
    return this.#minor === ONE ? !connection.includes('close') : connection.includes('keep-alive');
  }
}

const HEAD_END = Buffer.from('\r\n\r\n');
const TAB = 0x09;
const SPACE = 0x20;
const ZERO = 0x30;
const ONE = 0x31;
const UPPER_A = 0x41;
const UPPER_Z = 0x5a;
const TO_LOWER = 0x20;
/** `HTTP/1.1 200`: where the version's second digit is, and where the status begins and ends. */
const MINOR_AT = 7;
const STATUS_AT = 9;
const STATUS_END = 12;

/** The status in a head whose first line ends at `end`. */
function statusIn(text: string, end: number): number {
  const minor = text.charCodeAt(MINOR_AT);
  if (!text.startsWith('HTTP/1.') || (minor !== ZERO && minor !== ONE)) throw malformed();
  if (end > STATUS_END && text.charCodeAt(STATUS_END) !== SPACE) throw malformed();
  if (end < STATUS_END || text.charCodeAt(STATUS_AT - 1) !== SPACE) throw malformed();
  let status = 0;
  for (let at = STATUS_AT; at < STATUS_END; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) throw malformed();
    status = status * 10 + digit;
  }
  return status;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\r\n', from);
  return end === -1 ? text.length : end;
}

function isSpace(code: number): boolean {
  return code === SPACE || code === TAB;
}

function hasSpace(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (isSpace(text.charCodeAt(at))) return true;
  return false;
}

/** Whether `name`, which is in lower case, stands there in any. */
function isNamed(text: string, start: number, name: string): boolean {
  for (let at = 0; at < name.length; at++) {
    const code = text.charCodeAt(start + at);
    const lower = code >= UPPER_A && code <= UPPER_Z ? code + TO_LOWER : code;
    if (lower !== name.charCodeAt(at)) return false;
  }
  return true;
}

function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** As content-length says it, also more than once if it says the same. */
function lengthOf(text: string): number {
  if (LENGTH.test(text)) return Number(text);
  const [one = '', ...others] = text.split(/\s*,\s*/);
  if (!LENGTH.test(one) || others.some((other) => other !== one)) throw malformed();
  return Number(one);
}

const LENGTH = /^\d{1,15}$/;

/** What the line before a chunk says. */
function sizeOf(line: string): number {
  const [, digits] = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?\r\n$/i.exec(line) ?? [];
  if (digits === undefined) throw malformed();
  return Number.parseInt(digits, 16);
}

/** The commonest read of a stream. Whatever is not that plain is for the long way, which also says what is wrong. */
function dataOfOneChunk(bytes: Buffer): number {
  let size = 0;
  let at = 0;
  for (; at < MAX_SIZE_DIGITS; at++) {
    const digit = HEX_DIGITS[bytes[at] ?? 0] ?? -1;
    if (digit === -1) break;
    size = size * 16 + digit;
  }
  const start = at + 2;
  const end = start + size;
  if (size === 0 || end + 2 !== bytes.length || bytes[at] !== CR || bytes[at + 1] !== LF) return -1;
  return bytes[end] === CR && bytes[end + 1] === LF ? start : -1;
}

/** By the digits' codes. */
const HEX_DIGITS = Int8Array.from({ length: 256 }, (_, code) =>
  '0123456789abcdef'.indexOf(String.fromCharCode(code).toLowerCase()),
);
const MAX_SIZE_DIGITS = 6;
