// The two OpenAI shapes of a completion: one `chat.completion` object, or the texts of its stream's events.
// Both are made from the same rounds of tokens, so a streamed answer and a whole one cannot differ.

import type { ChoiceEvent, Completion } from './completion.ts';
import { isObject, type Json, type JsonObject, listOf } from './json.ts';

const FINGERPRINT = 'demo-engine';

/** The completion in one piece; generates all of it now. */
export function wholeCompletion(completion: Completion): JsonObject {
  const choices: { message: Record<string, Json>; finishReason: string | null }[] = [];
  for (const event of [...completion.rounds()].flat()) {
    const choice = (choices[event.index] ??= { message: {}, finishReason: null });
    merge(choice.message, event.delta);
    choice.finishReason = event.finishReason;
  }
  const { id, created, model } = completion.head;
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    system_fingerprint: FINGERPRINT,
    choices: choices.map(({ message, finishReason }, index) => ({
      index,
      message: { ...message, refusal: null },
      logprobs: null,
      finish_reason: finishReason,
    })),
    usage: completion.usage(),
  };
}

/** The stream's text in the pieces in which it is to be sent: a token of each choice at a time. */
export function* streamedCompletion(
  completion: Completion,
  includeUsage: boolean,
): Generator<string, void> {
  const { id, created, model } = completion.head;
  const object = 'chat.completion.chunk';
  const head = JSON.stringify({ id, object, created, model, system_fingerprint: FINGERPRINT });
  // The members around a token are the same for each chunk: only the delta is worth serialising again.
  const before = `data: ${head.slice(0, -1)},"choices":[`;
  const after = includeUsage ? '],"usage":null}\n\n' : ']}\n\n';
  for (const round of completion.rounds()) {
    yield round.map((event) => before + choiceText(event) + after).join('');
  }
  const usage = includeUsage ? `${before}],"usage":${JSON.stringify(completion.usage())}}\n\n` : '';
  yield `${usage}data: [DONE]\n\n`;
}

function choiceText({ index, delta, finishReason }: ChoiceEvent): string {
  const reason = finishReason === null ? 'null' : `"${finishReason}"`;
  return `{"index":${index},"delta":${JSON.stringify(delta)},"finish_reason":${reason}}`;
}

function merge(message: Record<string, Json>, delta: JsonObject): void {
  for (const [member, value] of Object.entries(delta)) {
    if (member === 'content' && typeof value === 'string') {
      message['content'] =
        `${typeof message['content'] === 'string' ? message['content'] : ''}${value}`;
    } else if (member === 'tool_calls') {
      message['tool_calls'] = listOf(value).reduce(addFragment, listOf(message['tool_calls']));
    } else {
      message[member] = value;
    }
  }
}

/** Heads open a call; fragments continue the last one, since calls are generated one after another. */
function addFragment(calls: readonly Json[], fragment: Json): readonly Json[] {
  if (!isObject(fragment) || !isObject(fragment['function'])) return calls;
  const { id, type } = fragment;
  if (id !== undefined && type !== undefined) {
    return [...calls, { id, type, function: fragment['function'] }];
  }
  const open = calls.at(-1);
  if (!isObject(open) || !isObject(open['function'])) return calls;
  const joined = argumentsOf(open['function']) + argumentsOf(fragment['function']);
  return [...calls.slice(0, -1), { ...open, function: { ...open['function'], arguments: joined } }];
}

function argumentsOf(called: JsonObject): string {
  return typeof called['arguments'] === 'string' ? called['arguments'] : '';
}
