// The parts of a message's content as Gemini's parts: text, and media that came inline. Nothing is fetched.
import { GatewayError } from '../../domain/errors.ts';
import { isObject } from '../../json/document.ts';
import { lacking, malformed } from './refuse.ts';
import { given, type Part } from './wire.ts';

/** The parts of a string or a list of content parts; `path` is where it stands in the request. */
export function contentParts(content: unknown, path: string): Part[] {
  if (typeof content === 'string') return textParts(content);
  if (!given(content)) return [];
  if (!Array.isArray(content)) throw malformed(path, 'a string or a list of content parts');
  return content.flatMap((part: unknown, index) => partsOf(part, `${path}[${index}]`));
}

/** Empty texts are left out: a content that consists of them alone is given one by its maker. */
export function textParts(text: string): Part[] {
  return text === '' ? [] : [{ text }];
}

/** An inline part of a data URI. */
export function inlinePart(uri: unknown, param: string): Part {
  if (typeof uri !== 'string') throw malformed(param, 'a data URI');
  const comma = uri.indexOf(',');
  const [, declared = ''] =
    /^data:([^;,]+)(?:;[^;,]*)*;base64$/i.exec(uri.slice(0, Math.max(comma, 0))) ?? [];
  if (declared === '') {
    throw new GatewayError('image_url_not_supported', {
      message: `Only base64 data URIs are accepted at ${param}, and nothing is fetched. Inline the data as data:<type>;base64,<data>.`,
      param,
    });
  }
  const mimeType = declared.toLowerCase().replace('image/jpg', 'image/jpeg');
  return { inlineData: { mimeType, data: uri.slice(comma + 1) } };
}

function partsOf(part: unknown, path: string): Part[] {
  if (!isObject(part)) throw malformed(path, 'an object with a type');
  switch (part['type']) {
    case 'text':
      return textParts(stringOf(part['text'], `${path}.text`));
    case 'refusal':
      return textParts(stringOf(part['refusal'], `${path}.refusal`));
    case 'image_url':
      return [urlPart(part['image_url'], `${path}.image_url`)];
    case 'video_url':
      return [urlPart(part['video_url'], `${path}.video_url`)];
    case 'input_audio':
      return [audioPart(part['input_audio'], `${path}.input_audio`)];
    case 'file':
      return [filePart(part['file'], `${path}.file`)];
    default:
      throw lacking(
        path,
        `no content of type ${JSON.stringify(part['type'])} (text, image_url, input_audio, video_url and file work)`,
      );
  }
}

function urlPart(reference: unknown, path: string): Part {
  if (!isObject(reference)) throw malformed(path, 'an object with a url');
  return inlinePart(reference['url'], `${path}.url`);
}

function audioPart(audio: unknown, path: string): Part {
  if (!isObject(audio)) throw malformed(path, 'an object with data and format');
  const data = stringOf(audio['data'], `${path}.data`);
  if (/^data:/i.test(data)) return inlinePart(data, `${path}.data`);
  const format = stringOf(audio['format'], `${path}.format`).toLowerCase();
  return { inlineData: { mimeType: `audio/${format}`, data } };
}

function filePart(file: unknown, path: string): Part {
  if (!isObject(file)) throw malformed(path, 'an object with file_data');
  if (!given(file['file_data'])) throw lacking(`${path}.file_id`, 'no files of another service');
  return inlinePart(file['file_data'], `${path}.file_data`);
}

function stringOf(value: unknown, param: string): string {
  if (typeof value !== 'string') throw malformed(param, 'a string');
  return value;
}
