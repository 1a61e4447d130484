// A whole message as OpenAI's chat.completion.
import { isObject } from '../../json/document.ts';
import { interruptedError, protocolError } from '../failure.ts';
import type { Completion } from '../provider.ts';
import { wholeChoice } from '../whole-choice.ts';
import { errorInMessage } from './failure.ts';
import { finishReasonOf, refusalIn, usageOf } from './finish.ts';
import { createPlaces, redactedDetail, thinkingDetail, type Thought } from './reasoning.ts';
import type { StreamedFor } from './stream.ts';

type Json = Readonly<Record<string, unknown>>;

/** `message` is the parsed reply. Throws a GatewayError for an error that came in its stead, or half of one. */
export function completionOf(
  message: unknown,
  { upstream, model, created }: StreamedFor,
): Completion {
  if (!isObject(message)) throw protocolError(upstream, 'sent JSON that is not an object');
  if (isObject(message['error'])) throw errorInMessage(upstream, message);
  const { id, content, stop_reason: reason, stop_details: details, usage } = message;
  if (!Array.isArray(content) || !content.every(isObject)) {
    throw protocolError(upstream, 'sent a reply without content');
  }
  if (typeof reason !== 'string') throw interruptedError(upstream);
  const refusal = refusalIn(details);
  const choice = {
    index: 0,
    message: { ...messageOf(content), ...(refusal === null ? {} : { refusal }) },
    finish_reason: finishReasonOf(reason),
    native_finish_reason: reason,
  };
  return {
    id: typeof id === 'string' ? id : '',
    object: 'chat.completion',
    created,
    model,
    choices: [wholeChoice(choice)],
    usage: usageOf(isObject(usage) ? usage : {}),
  };
}

function messageOf(content: readonly Json[]): Json {
  const places = createPlaces();
  const details: object[] = [];
  const calls: object[] = [];
  let text = '';
  let reasoning = '';
  for (const block of content) {
    switch (block['type']) {
      case 'text':
        if (stringOf(block['text']) !== '') places.ofText();
        text += stringOf(block['text']);
        break;
      case 'thinking':
        reasoning += stringOf(block['thinking']);
        details.push(thinkingDetail(thoughtOf(block), places.ofBlock()));
        break;
      case 'redacted_thinking':
        details.push(redactedDetail(stringOf(block['data']), places.ofBlock()));
        break;
      case 'tool_use':
        places.ofBlock();
        calls.push(callOf(block));
        break;
      default:
    }
  }
  return {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
    ...(details.length > 0 ? { reasoning_details: details } : {}),
  };
}

function thoughtOf({ thinking, signature }: Json): Thought {
  return { text: stringOf(thinking), signature: stringOf(signature) };
}

function callOf({ id, name, input }: Json): object {
  return { id, type: 'function', function: { name, arguments: JSON.stringify(input ?? {}) } };
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
