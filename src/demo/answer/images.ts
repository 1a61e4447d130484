// The skill that looks at images as far as an engine without eyes can: their type, size in pixels, and bytes.
// It says so rather than guess what a picture shows.

import { readImage } from '../image-header.ts';
import type { Answer, Dialogue } from './answer.ts';
import { readable } from './reading.ts';

const KB = 1024;

export function describeImages({ question, images, earlierImages }: Dialogue): Answer | undefined {
  const text = readable(question);
  const about = /\b(?:image|picture|photo|screenshot)s?\b/i.test(text) && /\?|describe/i.test(text);
  const seen = images.length > 0 ? images : about ? earlierImages : [];
  if (seen.length === 0) return undefined;
  const count = seen.length === 1 ? 'one image' : `${seen.length} images`;
  const described = seen.map(describe).join('; ');
  const { type, width, height } = readImage(seen[0] ?? '') ?? {};
  return {
    text: `I see ${count}: ${described}.`,
    values: {
      ...(type === undefined ? {} : { type, format: type }),
      ...(width === undefined || height === undefined ? {} : { width, height }),
      description: described,
      answer: described,
    },
  };
}

function describe(url: string): string {
  if (!url.startsWith('data:')) return 'a link, which I do not follow';
  const image = readImage(url);
  if (image === undefined) return 'bytes of no image type that I can read';
  const { type, width, height, bytes } = image;
  const pixels = width === undefined ? 'size unknown' : `${width} x ${height} pixels`;
  return `${type}, ${pixels}, ${fileSize(bytes)}`;
}

function fileSize(bytes: number): string {
  if (bytes < KB) return `${bytes} bytes`;
  if (bytes < KB * KB) return `${(bytes / KB).toFixed(1)} KB`;
  return `${(bytes / KB / KB).toFixed(1)} MB`;
}
