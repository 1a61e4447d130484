// Draws the image that stands in for a generated one: a symmetrical two-colour pattern that follows from the prompt,
// as a valid PNG of a few hundred bytes.

import { crc32, deflateSync } from 'node:zlib';

export const PATTERN_PIXELS = 64;

const CELLS = 8;
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

export function patternDataUri(prompt: string): string {
  const digest = new Bun.CryptoHasher('sha256').update(prompt).digest();
  const header = Buffer.alloc(13);
  header.writeUInt32BE(PATTERN_PIXELS, 0);
  header.writeUInt32BE(PATTERN_PIXELS, 4);
  // One bit per pixel, palette colours.
  header.set([1, 3, 0, 0, 0], 8);
  const png = Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', palette(digest)),
    chunk('IDAT', deflateSync(rows(digest))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
  return `data:image/png;base64,${png.toString('base64')}`;
}

/** A light ground and a dark figure, whatever the hash. */
function palette(digest: Buffer): Buffer {
  const colour = [...digest.subarray(0, 6)];
  return Buffer.from(colour.map((byte, index) => (index < 3 ? 200 + (byte % 56) : byte % 140)));
}

/** Each row is a filter byte and 64 bits; a cell is 8 x 8 pixels, so one byte is one cell's width. */
function rows(digest: Buffer): Buffer {
  const lines = Array.from({ length: PATTERN_PIXELS }, (_, y) => {
    const bits = digest.readUInt8(8 + Math.floor((y * CELLS) / PATTERN_PIXELS));
    const half = [0, 1, 2, 3].map((cell) => (((bits >>> cell) & 1) === 1 ? 0xff : 0));
    return [0, ...half, ...half.toReversed()];
  });
  return Buffer.from(lines.flat());
}

function chunk(type: string, content: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const framed = Buffer.alloc(typed.length + 8);
  framed.writeUInt32BE(content.length, 0);
  framed.set(typed, 4);
  framed.writeUInt32BE(crc32(typed), typed.length + 4);
  return framed;
}
