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

/** The image in a data URI; `image_url_not_supported` or `image_decode_error` on `param` otherwise. */
export function readDataUri(uri: string, param: string): InlineImage {
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
  const bytes = decodeBase64(uri.slice(comma + 1), param);
  if (!looksRight(bytes)) throw decodeError(`Its bytes are not those of ${mime}.`, param);
  return { mime, bytes };
}

function decodeBase64(text: string, param: string): Uint8Array {
  if (text === '') throw decodeError('It is empty.', param);
  try {
    return Uint8Array.fromBase64(text, { lastChunkHandling: 'strict' });
  } catch {
    throw decodeError('Its base64 is broken.', param);
  }
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
