// The answer after tools were called: what they returned, in a sentence each.
// JSON objects are read out member by member; everything else is quoted.

import { isObject, type Json } from '../json.ts';
import type { ChatMessage } from '../request.ts';
import type { Answer } from './answer.ts';
import { asSentence, excerpt } from './reading.ts';

const MAX_RESULT_CHARS = 600;

/** An answer if the conversation ends in tool results. */
export function reportResults(messages: readonly ChatMessage[]): Answer | undefined {
  const last = messages.findLastIndex(({ role }) => role !== 'tool' && role !== 'function');
  const results = messages.slice(last + 1);
  if (results.length === 0) return undefined;
  const calls = messages.flatMap((message) => message.calls);
  const reported = results.map(({ text, name, callId }) => {
    const tool = name ?? calls.findLast((call) => call.id === callId)?.name ?? 'the tool';
    const value = parsed(text);
    return {
      text: asSentence(`According to ${tool}: ${excerpt(inWords(value), MAX_RESULT_CHARS)}`),
      value,
    };
  });
  const members = reported.map(({ value }) => (isObject(value) ? value : {}));
  const text = reported.map((report) => report.text).join(' ');
  const [only] = reported;
  const answer = reported.length === 1 && only !== undefined ? inWords(only.value) : text;
  return { text, values: { ...Object.assign({}, ...members), answer } };
}

function parsed(text: string): Json {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

function inWords(value: Json): string {
  if (typeof value === 'string') return value.trim() === '' ? 'nothing' : value;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([name, member]) =>
      `${name.replaceAll('_', ' ')}: ${typeof member === 'object' ? JSON.stringify(member) : String(member)}`,
  );
  return members.length === 0 ? 'nothing' : members.join(', ');
}
