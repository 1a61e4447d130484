// The parts of a message's content as content blocks. Anthropic refuses blank text blocks, so they are left out.
import { isObject } from '../../json/document.ts';
import { blockOf, withMarkOf, type Block } from './block.ts';
import { invalid, lacks } from './refusal.ts';

const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/webp', 'image/gif'];

/** The blocks of what a user or a tool says. `path` is where the content stands in the request. */
export function contentBlocks(content: unknown, path: string): Block[] {
  if (typeof content === 'string') return textBlocks(content);
  return partsOf(content, path).flatMap((part, index) => {
    const blocks = partBlocks(part, `${path}[${index}]`);
    return blocks.map((block) => withMarkOf(block, part));
  });
}

/** The blocks of content that may only be text: what the system or the model says. */
export function spokenBlocks(content: unknown, path: string): Block[] {
  if (typeof content === 'string') return textBlocks(content);
  return partsOf(content, path).flatMap((part, index) => {
    const text = part['type'] === 'refusal' ? part['refusal'] : part['text'];
    if (typeof text !== 'string') {
      throw lacks(
        `${path}[${index}]`,
        `takes only text there, not ${JSON.stringify(part['type'])}`,
      );
    }
    return textBlocks(text).map((block) => withMarkOf(block, part));
  });
}

export function textBlocks(text: string): Block[] {
  return text.trim() === '' ? [] : [blockOf({ type: 'text', text })];
}

/** An image part, whose data URI the gateway has checked where it came from a user. */
export function imageBlock(part: Readonly<Record<string, unknown>>, path: string): Block {
  const { image_url: image } = part;
  const { mime, data } = inlineData(isObject(image) ? image['url'] : undefined);
  const mediaType = mime === 'image/jpg' ? 'image/jpeg' : mime;
  if (data === null || !IMAGE_TYPES.includes(mediaType)) {
    throw lacks(path, 'takes only PNG, JPEG, WebP and GIF images, as base64 data URIs');
  }
  return blockOf({ type: 'image', source: { type: 'base64', media_type: mediaType, data } });
}

function partsOf(content: unknown, path: string): Record<string, unknown>[] {
  if (content === undefined || content === null) return [];
  if (!Array.isArray(content) || !content.every(isObject)) {
    throw invalid(path, 'must be a string or a list of content parts');
  }
  return content;
}

function partBlocks(part: Readonly<Record<string, unknown>>, path: string): Block[] {
  switch (part['type']) {
    case 'text':
      if (typeof part['text'] !== 'string') throw invalid(`${path}.text`, 'must be a string');
      return textBlocks(part['text']);
    case 'image_url':
      return [imageBlock(part, path)];
    case 'file':
      return [documentBlock(part, path)];
    default:
      throw lacks(path, `takes no content of type ${JSON.stringify(part['type'])}`);
  }
}

/** OpenAI's file part, which holds a PDF; an uploaded file that it only names is not at this upstream. */
function documentBlock(part: Readonly<Record<string, unknown>>, path: string): Block {
  const file = isObject(part['file']) ? part['file'] : {};
  const { mime, data } = inlineData(file['file_data']);
  if (data === null || mime !== 'application/pdf') {
    throw lacks(path, 'takes files only as PDF, as a base64 data URI in file.file_data');
  }
  const { filename } = file;
  return blockOf({
    type: 'document',
    source: { type: 'base64', media_type: mime, data },
    ...(typeof filename === 'string' ? { title: filename } : {}),
  });
}

/** The type and the base64 of a data URI; `data` is null for anything else. */
function inlineData(uri: unknown): { mime: string; data: string | null } {
  if (typeof uri !== 'string') return { mime: '', data: null };
  const comma = uri.indexOf(',');
  const head = /^data:([^;,]*)(?:;[^;,]*)*;base64$/i.exec(uri.slice(0, Math.max(comma, 0)));
  if (!head) return { mime: '', data: null };
  return { mime: (head[1] ?? '').toLowerCase(), data: uri.slice(comma + 1) };
}
