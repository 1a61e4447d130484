// An Ollama reply as OpenAI's wire has it: lines as chunks, or all of them as one completion.
import { newId } from '../../domain/ids.ts';
import type { ChatEvent, Completion } from '../provider.ts';
import { wholeChoice } from '../whole-choice.ts';
import type { ReplyLine } from './read-line.ts';

export interface ReplyTranslation {
  /** The chunks that a line comes to; nothing for a line that says nothing. */
  chunks(line: ReplyLine): ChatEvent[];
}

/** For one stream. */
export function createReplyTranslation(): ReplyTranslation {
  const id = newId('chatcmpl-');
  let head: Record<string, unknown> | undefined;
  let calls = 0;

  return {
    chunks(line) {
      const isFirst = head === undefined;
      head ??= headOf(line, { id, object: 'chat.completion.chunk' });
      const events: ChatEvent[] = [];
      const delta = deltaOf(line, calls);
      calls += line.calls.length;
      if (isFirst || Object.keys(delta).length > 0 || line.logprobs.length > 0) {
        const role = isFirst ? { role: 'assistant', content: '' } : {};
        const choice = { index: 0, delta: { ...role, ...delta }, ...logprobsOf(line) };
        events.push(event({ ...head, choices: [{ ...choice, finish_reason: null }] }));
      }
      if (line.doneReason === null) return events;
      const finish_reason = finishReason(line.doneReason, calls > 0);
      const choices = [{ index: 0, delta: {}, finish_reason }];
      events.push(event({ ...head, choices, ...line.rest }));
      if (line.usage) events.push(event({ ...head, choices: [], usage: line.usage }));
      return events;
    },
  };
}

/** All lines of a reply, the last of which ends it, as one chat.completion. */
export function wholeCompletion(lines: readonly ReplyLine[]): Completion {
  const [first, last] = [lines[0], lines.at(-1)];
  if (!first || !last) throw new TypeError('a reply has a line');
  const join = (member: 'content' | 'thinking') => lines.map((line) => line[member]).join('');
  const [content, thinking] = [join('content'), join('thinking')];
  const calls = lines.flatMap((line) => line.calls);
  const message = {
    role: 'assistant',
    content: content === '' && calls.length > 0 ? null : content,
    ...(thinking === '' ? {} : { reasoning_content: thinking }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
  const logprobs = logprobsOf({ logprobs: lines.flatMap((line) => line.logprobs) });
  const finish_reason = finishReason(last.doneReason ?? '', calls.length > 0);
  return {
    ...headOf(first, { id: newId('chatcmpl-'), object: 'chat.completion' }),
    choices: [wholeChoice({ index: 0, message, ...logprobs, finish_reason })],
    ...(last.usage ? { usage: last.usage } : {}),
    ...last.rest,
  };
}

function headOf(
  { model, created }: ReplyLine,
  { id, object }: { id: string; object: string },
): Record<string, unknown> {
  return { id, object, created: created ?? 0, ...(model === null ? {} : { model }) };
}

function deltaOf(line: ReplyLine, callsBefore: number): Record<string, unknown> {
  const tool_calls = line.calls.map((call, at) => ({ index: callsBefore + at, ...call }));
  return {
    ...(line.thinking === '' ? {} : { reasoning_content: line.thinking }),
    ...(line.content === '' ? {} : { content: line.content }),
    ...(tool_calls.length === 0 ? {} : { tool_calls }),
  };
}

function logprobsOf({ logprobs }: Pick<ReplyLine, 'logprobs'>): Record<string, unknown> {
  return logprobs.length === 0 ? {} : { logprobs: { content: logprobs } };
}

/** Ollama says `stop` also where the answer is tool calls; `load` and `unload` are answers to no message at all. */
function finishReason(doneReason: string, hasCalls: boolean): string {
  if (doneReason === 'stop' && hasCalls) return 'tool_calls';
  return doneReason === 'load' || doneReason === 'unload' ? 'stop' : doneReason;
}

function event(chunk: Completion): ChatEvent {
  return { kind: 'chunk', json: JSON.stringify(chunk), chunk };
}
