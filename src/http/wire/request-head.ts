// The head of a request, read strictly: whatever two servers could read in two ways is refused (RFC 9112), because
// whoever forwarded it may have read it the other way.
import { GatewayError } from '../../domain/errors.ts';

export interface RequestHead {
  readonly method: string;
  /** Path and query, as they were sent; of a target in absolute form what follows the authority. */
  readonly target: string;
  readonly headers: RequestHeaders;
  readonly framing: Framing;
  /** Whether the client can be sent chunks, and keeps the connection. */
  readonly takesChunks: boolean;
  readonly isKept: boolean;
}

/** How long the body is: so many bytes, or as long as its chunks say. */
export type Framing = number | 'chunked';

/** Header fields in their order, names in small letters. */
export class RequestHeaders {
  readonly #names: readonly string[];
  readonly #values: readonly string[];

  constructor(names: readonly string[], values: readonly string[]) {
    this.#names = names;
    this.#values = values;
  }

  /** The value of a header, by its name in small letters; joined by commas where it comes more than once. */
  get(name: string): string | null {
    const first = this.#names.indexOf(name);
    if (first === -1) return null;
    if (!this.#names.includes(name, first + 1)) return this.#values[first] ?? null;
    return this.#values.filter((_, at) => this.#names[at] === name).join(', ');
  }

  has(name: string): boolean {
    return this.#names.includes(name);
  }

  *[Symbol.iterator](): Generator<[string, string]> {
    for (const [at, name] of this.#names.entries()) yield [name, this.#values[at] ?? ''];
  }
}

const METHODS: ReadonlySet<string> = new Set([
  'GET',
  'POST',
  'HEAD',
  'PATCH',
  'DELETE',
  'PUT',
  'OPTIONS',
]);

const TOKEN = /^[!#$%&'*+.^`|~\w-]+$/;
/** Controls other than a tab, and line breaks that are not CR and LF together. */
const BROKEN_TEXT = /[^\t\r\n\x20-\x7e\x80-\xff]|\r[^\n]|[^\r]\n|^\n|\r$/;
const HOST = /^[\w.~%!$&'()*+;=-]+(?::\d*)?$|^\[[0-9a-f:.]+\](?::\d*)?$/i;

/** Reads a head, without the empty line at its end. Throws a GatewayError, after which the connection must be closed. */
export function parseHead(text: string): RequestHead {
  if (BROKEN_TEXT.test(text)) throw brokenText();
  const firstEnd = text.indexOf('\r\n');
  const { method, target, isNew } = parseFirstLine(
    firstEnd === -1 ? text : text.slice(0, firstEnd),
  );
  const headers = parseFields(text, firstEnd === -1 ? text.length : firstEnd + 2);
  const host = headers.get('host');
  if (host === null || !HOST.test(host)) throw malformed('it needs one valid Host header', 'host');
  const connection = headers.get('connection')?.toLowerCase();
  return {
    method,
    target,
    headers,
    framing: framingOf(headers, isNew),
    takesChunks: isNew,
    isKept: isNew && !connection?.includes('close'),
  };
}

/** Throws for the beginning of a head that nothing that follows could make one. */
export function checkBeginning(text: string): void {
  const seen = text.endsWith('\r') ? text.slice(0, -1) : text;
  if (BROKEN_TEXT.test(seen) || seen.startsWith('\r\n')) throw brokenText();
}

function brokenText(): GatewayError {
  return malformed('it has control characters or broken line ends');
}

function parseFirstLine(line: string) {
  const [method = '', target = '', version, ...more] = line.split(' ');
  const isNew = version === 'HTTP/1.1';
  if ((!isNew && version !== 'HTTP/1.0') || more.length > 0)
    throw malformed('its first line is not that of HTTP/1.1');
  if (!METHODS.has(method)) throw malformed(`its method is none of ${[...METHODS].join(', ')}`);
  return { method, target: originForm(target), isNew };
}

/** The target as a path. Another host in it is left out: it leads nowhere else (docs/decisions/0010). */
function originForm(target: string): string {
  if (target.startsWith('/')) return target;
  const authority = /^https?:\/\/[^/?#]+/i.exec(target)?.[0];
  if (authority === undefined) throw malformed('its target is not a path');
  const rest = target.slice(authority.length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function parseFields(text: string, start: number): RequestHeaders {
  const names: string[] = [];
  const values: string[] = [];
  for (let from = start; from < text.length;) {
    const lineEnd = text.indexOf('\r\n', from);
    const end = lineEnd === -1 ? text.length : lineEnd;
    const colon = text.indexOf(':', from);
    const name = text.slice(from, colon === -1 ? end : colon);
    // Neither folded lines nor a space before the colon are names.
    if (colon === -1 || colon > end || !TOKEN.test(name))
      throw malformed('a line of its headers is not "Name: value"');
    names.push(name.toLowerCase());
    values.push(text.slice(colon + 1, end).trim());
    from = end + 2;
  }
  return new RequestHeaders(names, values);
}

function framingOf(headers: RequestHeaders, isNew: boolean): Framing {
  const coding = headers.get('transfer-encoding');
  const length = headers.get('content-length');
  if (coding !== null) {
    if (coding.toLowerCase() !== 'chunked' || length !== null || !isNew)
      throw malformed('how long its body is can be read in two ways', 'transfer-encoding');
    return 'chunked';
  }
  if (length === null) return 0;
  if (!/^\d{1,15}$/.test(length)) {
    throw malformed('how long its body is can be read in two ways', 'content-length');
  }
  return Number(length);
}

/** What is not HTTP, or could be taken for two different requests. */
export function malformed(why: string, param?: string): GatewayError {
  return new GatewayError('invalid_field', {
    message: `The request is not one that HTTP/1.1 knows: ${why}. Send it by an HTTP library.`,
    headers: { connection: 'close' },
    ...(param === undefined ? {} : { param }),
  });
}
