// Reads replies of HTTP/1.1 (RFC 9112) from a connection's bytes, cut anywhere. It takes what a correct server sends and
// refuses the rest: whoever guesses where a reply ends may hand one caller's bytes to another.
import { MAX_REPLY_HEAD_BYTES } from '../domain/limits.ts';

export interface ReplyHead {
  readonly status: number;
  /** By their names in lower case; repeated ones joined by a comma. */
  readonly headers: ReadonlyMap<string, string>;
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

type State =
  | { readonly in: 'head' | 'until_close' | 'whole' }
  | { readonly in: 'size' | 'trailers'; readonly line: string }
  /** Bytes that are left: of the body, or of a chunk and its line end. */
  | { readonly in: 'body' | 'chunk'; readonly left: number };

const BEFORE_CHUNK: State = { in: 'size', line: '' };

export function createReplyParser(): ReplyParser {
  let state: State = { in: 'head' };
  let pending: Buffer = EMPTY;
  let head: ReplyHead | null = null;
  let isReusable = false;

  /** The bytes after the head, once that is whole. */
  function readHead(bytes: Buffer): Buffer {
    const seen = pending.length === 0 ? bytes : Buffer.concat([pending, bytes]);
    const end = seen.indexOf('\r\n\r\n');
    if ((end === -1 ? seen.length : end) > MAX_REPLY_HEAD_BYTES) throw malformed();
    if (end === -1) {
      pending = seen;
      return EMPTY;
    }
    pending = EMPTY;
    const parsed = parseHead(seen.toString('latin1', 0, end));
    const rest = seen.subarray(end + 4);
    if (parsed.status >= 100 && parsed.status < 200) {
      if (parsed.status === 101) throw malformed();
      return rest.length === 0 ? rest : readHead(rest);
    }
    head = parsed;
    state = bodyOf(parsed);
    isReusable = parsed.isKept && state.in !== 'until_close';
    return rest;
  }

  /** One step of a chunked body: the rest of the bytes, and what of them belongs to the body. */
  function readChunked(bytes: Buffer, from: number, pieces: Buffer[]): number {
    if (state.in === 'chunk') {
      const { left } = state;
      const data = bytes.subarray(from, from + Math.max(0, left - 2));
      if (data.length > 0) pieces.push(data);
      const taken = Math.min(left, bytes.length - from);
      state = taken === left ? BEFORE_CHUNK : { in: 'chunk', left: left - taken };
      if (taken === left && bytes[from + taken - 1] !== LF) throw malformed();
      return from + taken;
    }
    if (state.in !== 'size' && state.in !== 'trailers') return bytes.length;
    const end = bytes.indexOf(LF, from);
    const line = state.line + bytes.toString('latin1', from, end === -1 ? bytes.length : end + 1);
    if (line.length > MAX_REPLY_HEAD_BYTES) throw malformed();
    if (end === -1) state = { in: state.in, line };
    else if (state.in === 'size') state = afterSize(line);
    else state = line === '\r\n' ? { in: 'whole' } : { in: 'trailers', line: '' };
    return end === -1 ? bytes.length : end + 1;
  }

  function readBody(bytes: Buffer): Buffer {
    if (state.in === 'until_close') return bytes;
    if (state.in === 'body') {
      const { left } = state;
      if (bytes.length < left) {
        state = { in: 'body', left: left - bytes.length };
        return bytes;
      }
      state = { in: 'whole' };
      // Nobody has asked for another reply: what follows is nobody's.
      if (bytes.length > left) isReusable = false;
      return bytes.subarray(0, left);
    }
    const pieces: Buffer[] = [];
    let from = 0;
    while (from < bytes.length && state.in !== 'whole') from = readChunked(bytes, from, pieces);
    if (from < bytes.length) isReusable = false;
    const [first = EMPTY] = pieces;
    return pieces.length > 1 ? Buffer.concat(pieces) : first;
  }

  return {
    head: () => head,
    isWhole: () => state.in === 'whole',
    isReusable: () => isReusable,
    push(bytes) {
      const rest = state.in === 'head' ? readHead(bytes) : bytes;
      return rest.length === 0 ? EMPTY : readBody(rest);
    },
    dataOfOneChunk: (bytes) => (state === BEFORE_CHUNK ? dataOfOneChunk(bytes) : -1),
    end() {
      if (state.in === 'until_close') state = { in: 'whole' };
      if (state.in !== 'whole') throw new WireError('ECONNRESET');
    },
  };
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

interface ParsedHead extends ReplyHead {
  /** Whether the server keeps the connection. */
  readonly isKept: boolean;
}

function parseHead(text: string): ParsedHead {
  const [first = '', ...lines] = text.split('\r\n');
  const [, minor, code] = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(first) ?? [];
  if (code === undefined) throw malformed();
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    // Neither folded lines nor a space before the colon, which are read in two ways.
    if (colon < 1 || name.includes(' ') || name.includes('\t')) throw malformed();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  const connection = headers.get('connection')?.toLowerCase() ?? '';
  const isKept = minor === '1' ? !connection.includes('close') : connection.includes('keep-alive');
  return { status: Number(code), headers, isKept };
}

/** Where the body ends: RFC 9112, section 6.3. */
function bodyOf({ status, headers }: ParsedHead): State {
  if (status === 204 || status === 304) return { in: 'whole' };
  const coding = headers.get('transfer-encoding');
  const length = headers.get('content-length');
  if (coding !== undefined) {
    // With both, somebody on the way may have read the other one.
    if (coding.toLowerCase() !== 'chunked' || length !== undefined) throw malformed();
    return BEFORE_CHUNK;
  }
  if (length === undefined) return { in: 'until_close' };
  const [one = '', ...others] = length.split(/\s*,\s*/);
  if (!/^\d{1,15}$/.test(one) || others.some((other) => other !== one)) throw malformed();
  return one === '0' ? { in: 'whole' } : { in: 'body', left: Number(one) };
}

function afterSize(line: string): State {
  const [, digits] = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?\r\n$/i.exec(line) ?? [];
  if (digits === undefined) throw malformed();
  const size = Number.parseInt(digits, 16);
  return size === 0 ? { in: 'trailers', line: '' } : { in: 'chunk', left: size + 2 };
}
