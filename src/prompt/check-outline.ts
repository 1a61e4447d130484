// The checks of content on messages that were only looked over: whether they pass what check-content.ts asks. Whoever
// does not pass has them read and checked there, which knows what is wrong and says so.
import { ARRAY, NULL, OBJECT, STRING, type Outline, type Place } from '../json/outline.ts';
import type { ContentRules } from './check-content.ts';
import { isSoundImage } from './image-data.ts';

/** Whether all messages of a request pass; false says nothing. */
export function passUnread(outline: Outline, rules: ContentRules): boolean {
  const messages = outline.valueOf('messages');
  if (messages === undefined || outline.kind(messages) !== ARRAY) return false;
  const end = outline.after(messages);
  for (let message = messages + 1; message < end; message = outline.after(message))
    if (!messagePasses(outline, message, rules)) return false;
  return true;
}

function messagePasses(outline: Outline, message: Place, rules: ContentRules): boolean {
  if (!hasUsualKeys(outline, message)) return false;
  const role = outline.find(message, 'role');
  if (role === undefined || outline.kind(role) !== STRING) return false;
  const content = outline.find(message, 'content');
  if (content === undefined) return true;
  const kind = outline.kind(content);
  if (kind !== ARRAY) return kind === STRING || kind === NULL;
  const end = outline.after(content);
  for (let part = content + 1; part < end; part = outline.after(part))
    if (!partPasses(outline, part, rules)) return false;
  return true;
}

function partPasses(outline: Outline, part: Place, rules: ContentRules): boolean {
  if (!hasUsualKeys(outline, part)) return false;
  const type = outline.find(part, 'type');
  if (type === undefined) return false;
  if (outline.is(type, 'text')) {
    const text = outline.find(part, 'text');
    return text !== undefined && outline.kind(text) === STRING;
  }
  const image = outline.is(type, 'image_url') ? outline.find(part, 'image_url') : undefined;
  if (image === undefined || !rules.modalities.input.includes('image')) return false;
  return hasUsualKeys(outline, image) && imagePasses(outline, outline.find(image, 'url'));
}

function imagePasses(outline: Outline, url: Place | undefined): boolean {
  if (url === undefined || !outline.isBase64(url)) return false;
  const { parts } = outline;
  const start = outline.start(url) + 1;
  return isSoundImage({
    length: outline.end(url) - 1 - start,
    slice: (from, to) => parts.text(start + from, start + to),
  });
}

/** More keys than any message has: each is compared with all others. */
const USUAL_KEYS = 32;

/** Whether an object has keys of which each is spelt plainly and comes once. */
function hasUsualKeys(outline: Outline, object: Place): boolean {
  if (outline.kind(object) !== OBJECT) return false;
  const end = outline.after(object);
  let count = 0;
  for (let key = object + 1; key < end; key = outline.after(key + 1)) {
    if (outline.isEscaped(key) || ++count > USUAL_KEYS) return false;
    for (let other = outline.after(key + 1); other < end; other = outline.after(other + 1))
      if (outline.areSame(key, other)) return false;
  }
  return true;
}
