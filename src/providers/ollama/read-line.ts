// One line of an Ollama reply: a piece of the answer, or its end with the reason and the counts, or an error.
import type { Usage } from '../../domain/message.ts';
import { newId } from '../../domain/ids.ts';
import { isObject } from '../../json/document.ts';
import { elementsOf, valueText } from '../../json/members.ts';
import { errorInReply, interruptedError, protocolError } from '../failure.ts';

/** A tool call as OpenAI's wire has it: the arguments are text, here the very text that the engine sent. */
export interface WholeCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

export interface ReplyLine {
  readonly model: string | null;
  /** Unix seconds. */
  readonly created: number | null;
  readonly content: string;
  readonly thinking: string;
  readonly calls: readonly WholeCall[];
  readonly logprobs: readonly unknown[];
  /** Why the answer ends here; null in every line but the last. */
  readonly doneReason: string | null;
  /** null where the engine does not count. */
  readonly usage: Usage | null;
  /** Top-level members that are the engine's own: durations and what nobody knows. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/** Reads a line; an error in it is thrown, and so is an end without a reason: the engine lost its runner. */
export function readLine(text: string, upstream: string): ReplyLine {
  const value = parse(text, upstream);
  const { model, created_at, message, done, done_reason, error, logprobs, ...rest } = value;
  if (error !== undefined && error !== null) throw errorInReply(upstream, error);
  if (!isObject(message) && done !== true) {
    throw protocolError(upstream, 'sent a line that is no part of an answer');
  }
  if (done === true && typeof done_reason !== 'string') throw interruptedError(upstream);
  const { content, thinking } = isObject(message) ? message : {};
  const { prompt_eval_count, eval_count, ...own } = rest;
  return {
    model: typeof model === 'string' ? model : null,
    created: secondsOf(created_at),
    content: textIn(content),
    thinking: textIn(thinking),
    calls: isObject(message) ? callsIn(text, message['tool_calls'], upstream) : [],
    logprobs: Array.isArray(logprobs) ? logprobs : [],
    doneReason: done === true ? textIn(done_reason) : null,
    usage: usageOf(prompt_eval_count, eval_count),
    rest: own,
  };
}

function parse(text: string, upstream: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const what = text.trimStart().startsWith('<')
      ? 'sent a page where JSON was asked for'
      : 'sent malformed JSON';
    throw protocolError(upstream, what, cause);
  }
  if (isObject(value)) return value;
  throw protocolError(upstream, 'sent JSON that is not an object');
}

/** Calls come whole, their arguments as an object: its text is taken from the line, so that no number is rounded. */
function callsIn(line: string, calls: unknown, upstream: string): WholeCall[] {
  if (!Array.isArray(calls) || calls.length === 0) return [];
  const texts = callTexts(line, upstream);
  return calls.map((call: unknown, index) => {
    const { id, function: fn } = isObject(call) ? call : {};
    const { name, arguments: given } = isObject(fn) ? fn : {};
    const fnText = valueText(texts[index] ?? '{}', 'function') ?? '{}';
    return {
      // Older versions give none, and a result must be able to name its call in any later turn.
      id: textIn(id) || newId('call'),
      type: 'function',
      function: {
        name: textIn(name),
        arguments:
          typeof given === 'string'
            ? given
            : isObject(given)
              ? (valueText(fnText, 'arguments') ?? '{}')
              : '{}',
      },
    };
  });
}

function callTexts(line: string, upstream: string): string[] {
  try {
    return elementsOf(valueText(valueText(line, 'message') ?? '{}', 'tool_calls') ?? '[]');
  } catch (cause) {
    throw protocolError(upstream, 'sent tool calls that nest too deep', cause);
  }
}

function usageOf(prompt: unknown, completion: unknown): Usage | null {
  if (typeof prompt !== 'number' || typeof completion !== 'number') return null;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
  };
}

function secondsOf(time: unknown): number | null {
  const ms = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  return Number.isFinite(ms) ? Math.floor(ms / 1000) : null;
}

function textIn(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
