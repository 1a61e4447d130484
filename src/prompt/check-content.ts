// What both APIs check of a message's content before a model sees it: the shape of the parts that the gateway acts
// on, that inline media is inline, and that the alias takes its kind. Unknown part types pass: the upstream decides.
import { GatewayError } from '../domain/errors.ts';
import { isObject } from '../json/document.ts';
import { checkDataUri } from './image-data.ts';

/** What of an alias decides which content it takes. */
export interface ContentRules {
  readonly name: string;
  readonly modalities: { readonly input: readonly string[] };
}

/** Checks every message of a request; `path` is where they stand in it, e.g. `messages`. */
export function checkMessages(
  messages: readonly unknown[],
  path: string,
  rules: ContentRules,
): void {
  messages.forEach((message, index) => {
    const at = `${path}[${index}]`;
    if (!isObject(message)) throw wrongType(at, 'an object with role and content');
    if (message['role'] === undefined) throw missing(`${at}.role`);
    if (typeof message['role'] !== 'string') throw wrongType(`${at}.role`, 'a string');
    checkContent(message['content'], `${at}.content`, rules);
  });
}

/** Checks one message's content: a string, a list of parts, or nothing. */
export function checkContent(content: unknown, path: string, rules: ContentRules): void {
  if (content === undefined || content === null || typeof content === 'string') return;
  if (!Array.isArray(content)) throw wrongType(path, 'a string or a list of content parts');
  content.forEach((part: unknown, index) => checkPart(part, `${path}[${index}]`, rules));
}

/** Checks images that come as bare data URIs; `path` is their list. */
export function checkImages(uris: readonly string[], path: string, rules: ContentRules): void {
  uris.forEach((uri, index) => {
    requireModality('image', `${path}[${index}]`, rules);
    checkDataUri(uri, `${path}[${index}]`);
  });
}

function checkPart(part: unknown, path: string, rules: ContentRules): void {
  if (!isObject(part)) throw wrongType(path, 'an object with a type');
  switch (part['type']) {
    case undefined:
      throw missing(`${path}.type`);
    case 'text':
      if (typeof part['text'] !== 'string') throw needsString(part['text'], `${path}.text`);
      return;
    case 'image_url':
      requireModality('image', path, rules);
      checkDataUri(urlOf(part['image_url'], `${path}.image_url`), `${path}.image_url.url`);
      return;
    case 'input_audio':
      requireModality('audio', path, rules);
      return;
    case 'video_url':
      requireModality('video', path, rules);
      refuseRemote(urlOf(part['video_url'], `${path}.video_url`), `${path}.video_url.url`);
      return;
    default:
      if (typeof part['type'] !== 'string') throw wrongType(`${path}.type`, 'a string');
  }
}

function urlOf(reference: unknown, path: string): string {
  if (reference === undefined) throw missing(path);
  if (!isObject(reference)) throw wrongType(path, 'an object with a url');
  if (typeof reference['url'] !== 'string') throw needsString(reference['url'], `${path}.url`);
  return reference['url'];
}

/** Media that the gateway cannot check still must not make anybody fetch a URL. */
function refuseRemote(uri: string, param: string): void {
  if (/^data:/i.test(uri)) return;
  throw new GatewayError('image_url_not_supported', {
    message: `Only base64 data URIs are accepted at ${param}, and nothing is fetched. Inline the data.`,
    param,
  });
}

function requireModality(
  kind: 'image' | 'audio' | 'video',
  param: string,
  rules: ContentRules,
): void {
  if (rules.modalities.input.includes(kind)) return;
  throw new GatewayError('modality_not_supported', {
    message: `The model "${rules.name}" takes no ${kind} input. Pick one that does: GET /v1/info lists them.`,
    param,
  });
}

function needsString(value: unknown, param: string): GatewayError {
  return value === undefined ? missing(param) : wrongType(param, 'a string');
}

function missing(param: string): GatewayError {
  return new GatewayError('missing_field', { message: `${param} is missing. Add it.`, param });
}

function wrongType(param: string, expected: string): GatewayError {
  return new GatewayError('invalid_field', { message: `${param} must be ${expected}.`, param });
}
