// Images in requests: data URIs only. The gateway never fetches a URL (that would let a request reach hosts that its
// sender cannot), and never decodes a picture: it checks the base64 and the first bytes.
import { GatewayError } from '../domain/errors.ts';

export interface InlineImage {
  readonly mime: string;
  readonly bytes: Uint8Array;
}

const SUPPORTED = 'PNG, JPEG, WebP or GIF';

/** Whether bytes begin as a file of that type does. */
const SIGNATURES: Readonly<Record<string, (bytes: Uint8Array) => boolean>> = {
  'image/png': (bytes) => startsWith(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
  'image/jpeg': (bytes) => startsWith(bytes, [0xff, 0xd8, 0xff]),
  'image/gif': (bytes) => startsWith(bytes, [0x47, 0x49, 0x46, 0x38]),
  'image/webp': (bytes) =>
    startsWith(bytes, [0x52, 0x49, 0x46, 0x46]) &&
    startsWith(bytes.subarray(8), [0x57, 0x45, 0x42, 0x50]),
};

/** Refuses what `readDataUri` refuses, and keeps nothing of it. */
export function checkDataUri(uri: string, param: string): void {
  readAs(uri, param, startOfBase64);
}

/** A text of which a few characters are asked for. */
export interface Sliced {
  readonly length: number;
  slice(from: number, to: number): string;
}

/** More than the head of a data URI that is usual, and than any signature takes. */
const HEAD_CHARS = 160;

/** Whether `checkDataUri` would pass a data URI that holds nothing but base64 behind its first comma; false says nothing. */
export function isSoundImage(uri: Sliced): boolean {
  const head = uri.slice(0, HEAD_CHARS);
  const data = head.indexOf(',') + 1;
  if ((uri.length - data) % 4 !== 0) return false;
  // Of whole groups of four nothing can be wrong but the last one.
  const end = data + 4 * Math.floor((HEAD_CHARS - data) / 4) - 4;
  const short =
    uri.length <= end ? head : head.slice(0, end) + uri.slice(uri.length - 4, uri.length);
  try {
    checkDataUri(short, '');
    return true;
  } catch (error) {
    if (error instanceof GatewayError) return false;
    throw error;
  }
}

/** The image in a data URI; `image_url_not_supported` or `image_decode_error` on `param` otherwise. */
export function readDataUri(uri: string, param: string): InlineImage {
  return readAs(uri, param, decodeBase64);
}

function readAs(uri: string, param: string, decoded: (base64: string) => Uint8Array): InlineImage {
  if (!/^data:/i.test(uri)) {
    throw new GatewayError('image_url_not_supported', {
      message: `Only base64 data URIs are accepted as images, and nothing is fetched. Inline the image as data:image/png;base64,….`,
      param,
    });
  }
  const comma = uri.indexOf(',');
  const [, declared = '', parameters = ''] =
    /^data:([^;,]*)((?:;[^;,]*)*)$/i.exec(uri.slice(0, Math.max(comma, 0))) ?? [];
  const mime = declared.toLowerCase().replace('image/jpg', 'image/jpeg');
  const looksRight = SIGNATURES[mime];
  if (!looksRight)
    throw decodeError(
      `Its MIME type is not an image type that is supported (${SUPPORTED}).`,
      param,
    );
  if (!/;base64$/i.test(parameters)) throw decodeError('It is not marked ";base64".', param);
  const bytes = decodedOrRefused(uri.slice(comma + 1), param, decoded);
  if (!looksRight(bytes)) throw decodeError(`Its bytes are not those of ${mime}.`, param);
  return { mime, bytes };
}

function decodedOrRefused(
  base64: string,
  param: string,
  decoded: (base64: string) => Uint8Array,
): Uint8Array {
  if (base64 === '') throw decodeError('It is empty.', param);
  try {
    return decoded(base64);
  } catch {
    throw decodeError('Its base64 is broken.', param);
  }
}

function decodeBase64(text: string): Uint8Array {
  return Uint8Array.fromBase64(text, { lastChunkHandling: 'strict' });
}

/** What is decoded at once where nobody wants the bytes: memory for a photograph costs more than its decoding. */
const STEP_CHARS = 64 * 1024;
const step = new Uint8Array(STEP_CHARS);
/** More than any signature looks at. */
const START_BYTES = 16;

/** Decodes everything like `decodeBase64`, and gives only the first bytes. */
function startOfBase64(text: string): Uint8Array {
  let start: Uint8Array | null = null;
  let at = 0;
  while (text.length - at > STEP_CHARS) {
    const part = text.slice(at, at + STEP_CHARS);
    // What follows a padding is no business of the next step.
    if (part.includes('=')) break;
    const { read, written } = step.setFromBase64(part, {
      lastChunkHandling: 'stop-before-partial',
    });
    if (written < START_BYTES) break;
    start ??= step.slice(0, START_BYTES);
    at += read;
  }
  const rest = decodeBase64(text.slice(at));
  return start ?? rest;
}

function decodeError(what: string, param: string): GatewayError {
  return new GatewayError('image_decode_error', {
    message: `The image at ${param} cannot be read. ${what} Send ${SUPPORTED} as data:<type>;base64,<data>.`,
    param,
  });
}

function startsWith(bytes: Uint8Array, prefix: readonly number[]): boolean {
  return prefix.every((byte, index) => bytes[index] === byte);
}
