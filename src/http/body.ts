// Reads a request's JSON body within its ceiling: refused by content-length before a byte is read, or while reading
// when there is none.
import { GatewayError } from '../domain/errors.ts';
import { decodeUtf8, lookOver, parseDocument, type JsonDocument } from '../json/document.ts';
import type { Exchange } from './exchange.ts';
import type { BodyParts } from './wire/request-body.ts';
import type { RequestHeaders } from './wire/request-head.ts';

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

/** From here on a body is cheaper to look over than to parse, and to send on as bytes than as text. */
const LONG_BYTES = 2_048;

/** The same, for those who need the outline of a long one more than its value. At once where all of it has come. */
export function readOutlined(
  sender: Sender,
  maxBytes: number,
): JsonDocument | Promise<JsonDocument> {
  const parts = readBody(sender, maxBytes, JSON_TYPE);
  return parts instanceof Promise ? parts.then(outlined) : outlined(parts);
}

function outlined(parts: BodyParts): JsonDocument {
  const [first = EMPTY, ...others] = parts;
  if (others.length === 0 && first.length < LONG_BYTES) return parseDocument(decodeUtf8(first));
  return lookOver(parts);
}

/** The body as text, if it says nothing of its type or one that is taken. */
export async function readText(
  sender: Sender,
  maxBytes: number,
  wanted: MediaType,
): Promise<string> {
  return decodeUtf8(joined(await readBody(sender, maxBytes, wanted)));
}

function joined([first = EMPTY, ...others]: BodyParts): Uint8Array {
  return others.length === 0 ? first : Buffer.concat([first, ...others]);
}

function readBody(
  sender: Sender,
  maxBytes: number,
  wanted: MediaType,
): BodyParts | Promise<BodyParts> {
  const { headers, body } = sender.request;
  checkMediaType(headers, wanted);
  if (body.declared === null) return readParts(sender, maxBytes);
  if (body.declared > maxBytes) throw tooLarge(maxBytes);
  return body.isWhole ? body.take() : readParts(sender, maxBytes);
}

function checkMediaType(headers: RequestHeaders, wanted: MediaType): void {
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

/** The whole body; what comes in chunks is counted as it comes. */
async function readParts(sender: Sender, maxBytes: number): Promise<BodyParts> {
  const { body } = sender.request;
  let size = 0;
  const count = (length: number): void => {
    size += length;
    if (size > maxBytes) throw tooLarge(maxBytes);
    sender.hold(length);
  };
  try {
    return await body.parts(body.declared === null ? count : undefined);
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw new GatewayError('invalid_json', {
      message: 'The body broke off before its end. Send it again.',
      cause,
    });
  }
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError('body_too_large', {
    message: `The body exceeds ${maxBytes} bytes. Send less: shorten the history or shrink the images.`,
    // What was not read of the body would otherwise be taken for the next request.
    headers: { connection: 'close' },
  });
}

const EMPTY = new Uint8Array();
