// Some servers answer a streaming request with one JSON reply. The client asked for a stream, so it gets one: the
// whole answer in one chunk, then the usage.
import { isObject } from '../json/document.ts';
import type { ChatEvent, ChunkChoice, Completion } from './provider.ts';

export async function* completionAsStream(
  completion: Completion,
): AsyncGenerator<readonly ChatEvent[], void> {
  const { choices = [], usage, ...rest } = completion;
  const base = { ...rest, object: 'chat.completion.chunk' };
  const answer = {
    ...base,
    choices: choices.map(({ message, ...choice }) => ({ ...choice, delta: deltaOf(message) })),
  };
  const chunks: Completion[] = usage ? [answer, { ...base, choices: [], usage }] : [answer];
  yield chunks.map((chunk) => ({ kind: 'chunk', json: JSON.stringify(chunk), chunk }));
}

/** In a stream every tool call has an index: clients put the pieces of each together by it. */
function deltaOf(message: ChunkChoice['message']): Record<string, unknown> {
  const calls = message?.['tool_calls'];
  if (!Array.isArray(calls)) return { ...message };
  return {
    ...message,
    tool_calls: calls.map((call: unknown, index) => (isObject(call) ? { index, ...call } : call)),
  };
}
