import { expect, test } from 'bun:test';
import fc from 'fast-check';

import { readImage } from './image-header.ts';
import { PATTERN_PIXELS, patternDataUri } from './png.ts';

const uri = (bytes: Buffer): string => `data:image/any;base64,${bytes.toString('base64')}`;
const u16be = (value: number): number[] => [value >> 8, value & 0xff];
const side = fc.integer({ min: 1, max: 16_383 });

const png = (width: number, height: number): Buffer =>
  Buffer.from([
    0x89,
    0x50,
    0x4e,
    0x47,
    0x0d,
    0x0a,
    0x1a,
    0x0a,
    0,
    0,
    0,
    13,
    0x49,
    0x48,
    0x44,
    0x52,
    0,
    0,
    ...u16be(width),
    0,
    0,
    ...u16be(height),
  ]);
const jpeg = (width: number, height: number): Buffer =>
  Buffer.from([
    0xff,
    0xd8,
    0xff,
    0xe0,
    0,
    4,
    1,
    2,
    0xff,
    0xff,
    0xc2,
    0,
    17,
    8,
    ...u16be(height),
    ...u16be(width),
  ]);
const gif = (width: number, height: number): Buffer =>
  Buffer.from([
    ...Buffer.from('GIF89a'),
    ...u16be(width).toReversed(),
    ...u16be(height).toReversed(),
    0,
  ]);

function webp(kind: 'VP8 ' | 'VP8L' | 'VP8X', width: number, height: number): Buffer {
  const file = Buffer.alloc(32);
  file.write('RIFF....WEBP', 'latin1');
  file.write(kind, 12, 'latin1');
  if (kind === 'VP8 ') {
    file.writeUInt16LE(width, 26);
    file.writeUInt16LE(height, 28);
  } else if (kind === 'VP8L') {
    file.writeUInt32LE(((width - 1) | ((height - 1) << 14)) >>> 0, 21);
  } else {
    file.writeUIntLE(width - 1, 24, 3);
    file.writeUIntLE(height - 1, 27, 3);
  }
  return file;
}

test('type and size are read from the headers of PNG, JPEG, GIF and all three kinds of WebP', () => {
  fc.assert(
    fc.property(side, side, (width, height) => {
      const size = { width, height };
      expect(readImage(uri(png(width, height)))).toMatchObject({ type: 'PNG', ...size });
      expect(readImage(uri(jpeg(width, height)))).toMatchObject({ type: 'JPEG', ...size });
      expect(readImage(uri(gif(width, height)))).toMatchObject({ type: 'GIF', ...size });
      for (const kind of ['VP8 ', 'VP8L', 'VP8X'] as const) {
        expect(readImage(uri(webp(kind, width, height)))).toMatchObject({ type: 'WebP', ...size });
      }
    }),
  );
});

test('the number of bytes is right for every length of base64 padding', () => {
  for (const extra of [0, 1, 2, 3]) {
    const file = Buffer.concat([png(3, 5), Buffer.alloc(extra)]);
    expect(readImage(uri(file))?.bytes).toBe(file.length);
  }
});

test('an image that is cut short keeps its type and has no size, and other bytes are no image', () => {
  expect(readImage(uri(png(3, 5).subarray(0, 12)))).toEqual({ type: 'PNG', bytes: 12 });
  expect(readImage(uri(jpeg(3, 5).subarray(0, 9)))).toEqual({ type: 'JPEG', bytes: 9 });
  expect(readImage(uri(Buffer.from('not an image at all')))).toBeUndefined();
  expect(readImage('https://example.com/cat.png')).toBeUndefined();
});

test('the pattern is a PNG of its size, the same for the same prompt only', () => {
  const pattern = patternDataUri('a banana');
  expect(readImage(pattern)).toMatchObject({
    type: 'PNG',
    width: PATTERN_PIXELS,
    height: PATTERN_PIXELS,
  });
  expect(patternDataUri('a banana')).toBe(pattern);
  expect(patternDataUri('an apple')).not.toBe(pattern);
});
