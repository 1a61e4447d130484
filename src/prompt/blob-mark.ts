// Images are stored once and messages refer to them: in a stored wire, a data URI is a mark, and assembling a prompt
// puts the identical URI back. A mark is NUL, the SHA-256, NUL: a raw NUL cannot stand in JSON text, so no message
// can be mistaken for a mark.
import { BLOB_MARK, blobHash } from '../conversations/blob.ts';
import type { Blob } from '../conversations/conversation.ts';
import { readDataUri } from './image-data.ts';

/** Takes the images out of a message's parts. */
export interface MarkedContent {
  /** JSON text of the content, with marks. */
  readonly json: string;
  readonly blobs: readonly Blob[];
}

/** JSON text of `content` with every image's data URI stored as a blob; `path` names it in errors. */
export function markImages(content: unknown, path: string): MarkedContent {
  if (!Array.isArray(content)) return { json: wellFormedJson(content), blobs: [] };
  const blobs: Blob[] = [];
  // JSON.stringify would escape a NUL, so it is given a stand-in: a random one, which no message can contain.
  const standIn = crypto.randomUUID();
  const parts = content.map((part: unknown, index) => {
    const uri = imageUri(part);
    if (uri === null) return part;
    const { mime, bytes } = readDataUri(uri, `${path}[${index}].image_url.url`);
    const sha256 = blobHash({ mime, bytes });
    blobs.push({ sha256, mime, bytes });
    const { image_url, ...rest } = part as { image_url: object };
    return { ...rest, image_url: { ...image_url, url: `${standIn}${sha256}` } };
  });
  const json = blobs.reduce(
    (text, { sha256 }) => text.replaceAll(`${standIn}${sha256}`, `\u0000${sha256}\u0000`),
    wellFormedJson(parts),
  );
  return { json, blobs };
}

/** The wire as it goes upstream: every mark replaced by its image's data URI. */
export function fillMarks(wire: string, blobs: ReadonlyMap<string, Blob>): string {
  if (!wire.includes('\u0000')) return wire;
  return wire.replaceAll(BLOB_MARK, (_, sha256: string) => {
    const blob = blobs.get(sha256);
    if (!blob) throw new Error(`the stored image ${sha256} is missing`);
    return `data:${blob.mime};base64,${Buffer.from(blob.bytes).toString('base64')}`;
  });
}

/** JSON text without lone surrogates: engines cannot encode them, and they would not survive storage. */
export function wellFormedJson(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'string' ? member.toWellFormed() : member,
  );
}

function imageUri(part: unknown): string | null {
  const reference: unknown =
    typeof part === 'object' && part !== null ? Reflect.get(part, 'image_url') : null;
  const url: unknown =
    typeof reference === 'object' && reference !== null ? Reflect.get(reference, 'url') : null;
  return typeof url === 'string' ? url : null;
}
