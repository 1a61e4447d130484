// Tells the usual body of POST /c1/chat, a text for a conversation, from all others: of those the schema says what is
// wrong, but it takes 60 µs between other work, a tenth of what a turn adds, where this takes one.
import type { JsonDocument } from '../../json/document.ts';
import { chatShape, type ChatBody } from './chat-shape.ts';

const isText = (value: unknown) => typeof value === 'string' && value !== '';

/** What is so has no fault; what is not is the schema's to judge. */
const PLAIN: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ['model', (value) => typeof value === 'string'],
  ['message', isText],
  ['conversation_id', isText],
  ['expected_head', (value) => typeof value === 'string'],
  ['stream', (value) => typeof value === 'boolean'],
]);

/** What the gateway does not act on is nobody's to check here. */
const ACTED_ON: ReadonlySet<string> = new Set(Object.keys(chatShape.shape));

export function isPlainBody(value: JsonDocument['value']): value is ChatBody {
  for (const key in value) {
    const isPlain = PLAIN.get(key);
    if (isPlain ? !isPlain(value[key]) : ACTED_ON.has(key)) return false;
  }
  return typeof value['model'] === 'string';
}
