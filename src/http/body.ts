// Reads a request's JSON body within its ceiling: refused by content-length before a byte is read, or while reading
// when there is none.
import { GatewayError } from '../domain/errors.ts';
import { decodeUtf8, lookOver, parseDocument, type JsonDocument } from '../json/document.ts';
import type { Exchange } from './exchange.ts';

/** A body that a route takes. */
export interface MediaType {
  /** What to send. */
  readonly name: string;
  /** What else means the same. */
  readonly pattern: RegExp;
}

const JSON_TYPE: MediaType = {
  name: 'application/json',
  pattern: /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i,
};

/** Whose body is read. */
export type Sender = Pick<Exchange, 'request' | 'hold'>;

/** The body as a document; `unsupported_media_type`, `body_too_large`, `overloaded` or `invalid_json` otherwise. */
export async function readDocument(sender: Sender, maxBytes: number): Promise<JsonDocument> {
  return parseDocument(decodeUtf8(joined(await readBody(sender, maxBytes, JSON_TYPE))));
}

/** The same, for those who need its outline more than its value. */
export async function readOutlined(sender: Sender, maxBytes: number): Promise<JsonDocument> {
  return lookOver(await readBody(sender, maxBytes, JSON_TYPE));
}

/** The body as text, if it says nothing of its type or one that is taken. */
export async function readText(
  sender: Sender,
  maxBytes: number,
  wanted: MediaType,
): Promise<string> {
  return decodeUtf8(joined(await readBody(sender, maxBytes, wanted)));
}

/** From here on a body is read in parts. */
const LONG_BYTES = 512 * 1024;
/** More parts than these are put together: each costs as much as some thousand bytes. */
const MAX_PARTS = 256;

/** A body in the parts in which it came. */
type Body = readonly Uint8Array[];

function joined(body: Body): Uint8Array {
  const [first, ...others] = body;
  return first && others.length === 0 ? first : Buffer.concat(body);
}

async function readBody(sender: Sender, maxBytes: number, wanted: MediaType): Promise<Body> {
  const { request } = sender;
  checkMediaType(request.headers, wanted);
  const declared = request.headers.get('content-length');
  if (declared !== null && Number(declared) > maxBytes) throw tooLarge(maxBytes);
  try {
    if (declared === null) return await readParts(sender, maxBytes);
    // A long body would be put together in memory that grows with it; a short one comes at once.
    if (Number(declared) >= LONG_BYTES) return await readParts(sender, null);
    return [await request.bytes()];
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw new GatewayError('invalid_json', {
      message: 'The body broke off before its end. Send it again.',
      cause,
    });
  }
}

function checkMediaType(headers: Headers, wanted: MediaType): void {
  const type = headers.get('content-type');
  // A body that says nothing about itself is taken at its bytes.
  if (type !== null && !wanted.pattern.test(type.trim())) {
    throw new GatewayError('unsupported_media_type', {
      message: `The body is declared as ${JSON.stringify(type.slice(0, 100))}. Send "Content-Type: ${wanted.name}".`,
      param: 'content-type',
    });
  }
  const encoding = headers.get('content-encoding');
  if (encoding !== null && encoding.toLowerCase() !== 'identity') {
    throw new GatewayError('unsupported_media_type', {
      message:
        'Compressed bodies are not accepted. Send the body as it is, without Content-Encoding.',
      param: 'content-encoding',
    });
  }
}

/** The whole body; counted while it comes where there is a `ceiling`, else its content-length has been. */
async function readParts({ request, hold }: Sender, ceiling: number | null): Promise<Body> {
  const reader = request.body?.getReader();
  if (!reader) return [];
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return parts.length > MAX_PARTS ? [Buffer.concat(parts, size)] : parts;
    size += value.length;
    if (ceiling !== null) {
      if (size > ceiling) {
        void reader.cancel();
        throw tooLarge(ceiling);
      }
      hold(value.length);
    }
    parts.push(value);
  }
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError('body_too_large', {
    message: `The body exceeds ${maxBytes} bytes. Send less: shorten the history or shrink the images.`,
    // What was not read of the body would otherwise be taken for the next request.
    headers: { connection: 'close' },
  });
}
