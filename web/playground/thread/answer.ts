// An answer as it comes: the chunks of a stream put together. Changed in place, because there may be thousands.
import { isRecord } from '../../../client/errors.ts';
import type { ImagePart, Message, ToolCall } from './message.ts';

export interface Usage {
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly cachedTokens: number | null;
  readonly expectedCachedTokens: number | null;
}

interface OpenCall {
  id: string;
  name: string;
  arguments: string;
}

export class GrowingAnswer {
  text = '';
  reasoning = '';
  images: ImagePart[] = [];
  finishReason: string | null = null;
  usage: Usage | null = null;
  #calls: OpenCall[] = [];

  /** A snapshot stands for all chunks before it. */
  take(chunk: Record<string, unknown>, isSnapshot = false): void {
    if (isSnapshot) this.#empty();
    if (isRecord(chunk['usage'])) this.usage = usageIn(chunk['usage']);
    const choice: unknown = Array.isArray(chunk['choices']) ? chunk['choices'][0] : null;
    if (!isRecord(choice)) return;
    if (typeof choice['finish_reason'] === 'string') this.finishReason = choice['finish_reason'];
    const delta: unknown = choice['delta'] ?? choice['message'];
    if (!isRecord(delta)) return;
    this.text += textIn(delta['content']);
    this.reasoning += textIn(delta['reasoning_content'] ?? delta['reasoning']);
    if (Array.isArray(delta['images'])) this.images.push(...delta['images'].filter(isImage));
    if (Array.isArray(delta['tool_calls'])) delta['tool_calls'].forEach(this.#takeCall);
  }

  get toolCalls(): ToolCall[] {
    return this.#calls.map(({ id, name, arguments: text }) => ({
      id,
      type: 'function',
      function: { name, arguments: text },
    }));
  }

  /** Whether there is anything to see of it. */
  get hasBegun(): boolean {
    return (
      this.text !== '' || this.reasoning !== '' || this.images.length > 0 || this.#calls.length > 0
    );
  }

  get message(): Message {
    const calls = this.toolCalls;
    return {
      role: 'assistant',
      content: this.text === '' && calls.length > 0 ? null : this.text,
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
      ...(this.images.length > 0 ? { images: this.images } : {}),
      ...(this.reasoning === '' ? {} : { reasoning_content: this.reasoning }),
    };
  }

  #empty(): void {
    this.text = '';
    this.reasoning = '';
    this.images = [];
    this.#calls = [];
  }

  readonly #takeCall = (part: unknown, at: number): void => {
    if (!isRecord(part)) return;
    const index = typeof part['index'] === 'number' ? part['index'] : at;
    if (index < 0 || index > MOST_CALLS) return;
    const call = (this.#calls[index] ??= { id: '', name: '', arguments: '' });
    if (typeof part['id'] === 'string') call.id = part['id'];
    const { name, arguments: text } = isRecord(part['function']) ? part['function'] : {};
    if (typeof name === 'string') call.name = name;
    if (typeof text === 'string') call.arguments += text;
    this.#calls = Array.from(this.#calls, (known) => known ?? { id: '', name: '', arguments: '' });
  };
}

/** An index comes from the model server, and makes room for as many. */
const MOST_CALLS = 127;

function textIn(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isImage(value: unknown): value is ImagePart {
  return (
    isRecord(value) && isRecord(value['image_url']) && typeof value['image_url']['url'] === 'string'
  );
}

function usageIn(usage: Record<string, unknown>): Usage {
  const details = isRecord(usage['prompt_tokens_details']) ? usage['prompt_tokens_details'] : {};
  const count = (value: unknown): number | null => (typeof value === 'number' ? value : null);
  return {
    promptTokens: count(usage['prompt_tokens']),
    completionTokens: count(usage['completion_tokens']),
    cachedTokens: count(details['cached_tokens']),
    expectedCachedTokens: count(details['expected_cached_tokens']),
  };
}
