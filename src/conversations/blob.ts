// Images apart from the messages that show them: what an image is known by, and how a stored message refers to it.
import { createHash } from 'node:crypto';
import type { Blob } from './conversation.ts';

/** In a wire: NUL, the hash, NUL. A raw NUL cannot stand in JSON text, so no message can be mistaken for a mark. */
// oxlint-disable-next-line no-control-regex
export const BLOB_MARK = /\u0000([0-9a-f]{64})\u0000/g;

/** The media type is part of it: the same bytes under another one are another data URI. */
export function blobHash({ mime, bytes }: Pick<Blob, 'mime' | 'bytes'>): string {
  return createHash('sha256').update(mime).update('\0').update(bytes).digest('hex');
}
