// Reads an image's type and size from the first bytes of a data URI: PNG, JPEG, GIF and WebP, by their own headers
// and whatever the URI claims.

interface ImageFacts {
  readonly type: 'PNG' | 'JPEG' | 'GIF' | 'WebP';
  /** Both absent where the header is cut or damaged. */
  readonly width?: number;
  readonly height?: number;
  readonly bytes: number;
}

/** A JPEG's size comes after its metadata, thumbnails and colour profiles included. */
const MAX_HEADER_CHARS = 1_024 * 1_024;

export function readImage(dataUri: string): ImageFacts | undefined {
  const comma = dataUri.indexOf(',');
  if (!dataUri.startsWith('data:') || !dataUri.slice(0, comma).endsWith(';base64')) {
    return undefined;
  }
  const header = Buffer.from(dataUri.slice(comma + 1, comma + 1 + MAX_HEADER_CHARS), 'base64');
  const padding = /={0,2}$/.exec(dataUri.slice(-2))?.[0].length ?? 0;
  const bytes = Math.floor(((dataUri.length - comma - 1 - padding) * 3) / 4);
  const type = typeOf(header);
  if (type === undefined) return undefined;
  try {
    const [width, height] = SIZES[type](header);
    return { type, width, height, bytes };
  } catch (error) {
    // Reading past the end: the image is cut.
    if (error instanceof RangeError) return { type, bytes };
    throw error;
  }
}

function typeOf(header: Buffer): ImageFacts['type'] | undefined {
  const start = header.toString('latin1', 0, 12);
  if (start.startsWith('\u0089PNG\r\n')) return 'PNG';
  if (start.startsWith('\u00FF\u00D8\u00FF')) return 'JPEG';
  if (/^GIF8[79]a/.test(start)) return 'GIF';
  return start.startsWith('RIFF') && start.endsWith('WEBP') ? 'WebP' : undefined;
}

type Size = readonly [width: number, height: number];

const SIZES: Record<ImageFacts['type'], (header: Buffer) => Size> = {
  PNG: (header) => [header.readUInt32BE(16), header.readUInt32BE(20)],
  GIF: (header) => [header.readUInt16LE(6), header.readUInt16LE(8)],
  JPEG: jpegSize,
  WebP: webpSize,
};

/** Walks the segments to the first start-of-frame (0xC0 to 0xCF, but for DHT, JPG and DAC). */
function jpegSize(header: Buffer): Size {
  let at = 2;
  for (;;) {
    const marker = header.readUInt8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return [header.readUInt16BE(at + 7), header.readUInt16BE(at + 5)];
    // A fill byte before a marker is no segment.
    at += marker === 0xff ? 1 : 2 + header.readUInt16BE(at + 2);
  }
}

/** Lossy, lossless and extended files each keep their size in a chunk of their own (RFC 9649). */
function webpSize(header: Buffer): Size {
  const chunk = header.toString('latin1', 12, 16);
  if (chunk === 'VP8 ') {
    return [header.readUInt16LE(26) & 0x3fff, header.readUInt16LE(28) & 0x3fff];
  }
  if (chunk === 'VP8L') {
    const bits = header.readUInt32LE(21);
    return [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1];
  }
  return [header.readUIntLE(24, 3) + 1, header.readUIntLE(27, 3) + 1];
}
