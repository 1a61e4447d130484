// Generation: a finished reply given out token by token, as OpenAI deltas, under the request's limits. Streams send
// the deltas as they come; a reply in one piece is the same deltas put together, so both always agree.

import type { JsonObject } from './json.ts';
import { callHead, imageToken } from './template.ts';
import { tokensOf } from './tokens.ts';

export interface Call {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

/** What the engine has to say: text, or tool calls; images come with text. */
export interface Reply {
  readonly text: string;
  readonly images: readonly string[];
  readonly calls: readonly Call[];
}

export type Delta = JsonObject;

/** One delta, and the tokens that it is made of as the history will show them. */
interface Emission {
  readonly delta: Delta;
  readonly tokens: readonly string[];
}

export type FinishReason = 'stop' | 'length' | 'tool_calls';

export interface Limits {
  readonly maxTokens: number;
  readonly stop: readonly string[];
}

/** The deltas of one choice, then how it ended. `tokens` collects what was generated, also when left early. */
export function* generate(
  reply: Reply,
  limits: Limits,
  tokens: string[],
): Generator<Delta, FinishReason> {
  yield { role: 'assistant', content: reply.calls.length > 0 ? null : '' };
  for (const emission of emissions(reply, limits.stop)) {
    if (tokens.length + emission.tokens.length > limits.maxTokens) return 'length';
    tokens.push(...emission.tokens);
    yield emission.delta;
  }
  return reply.calls.length > 0 ? 'tool_calls' : 'stop';
}

function* emissions(reply: Reply, stop: readonly string[]): Generator<Emission> {
  for (const token of tokensOf(untilStop(reply.text, stop))) {
    yield { delta: { content: token }, tokens: [token] };
  }
  if (reply.images.length > 0) {
    const images = reply.images.map((url) => ({ type: 'image_url', image_url: { url } }));
    yield { delta: { images }, tokens: reply.images.map(imageToken) };
  }
  for (const [index, call] of reply.calls.entries()) {
    const head = { index, id: call.id, type: 'function' };
    yield {
      delta: { tool_calls: [{ ...head, function: { name: call.name, arguments: '' } }] },
      tokens: callHead(call.name),
    };
    for (const token of tokensOf(call.arguments)) {
      const fragment = { index, function: { arguments: token } };
      yield { delta: { tool_calls: [fragment] }, tokens: [token] };
    }
  }
}

function untilStop(text: string, stop: readonly string[]): string {
  const cuts = stop.map((sequence) => text.indexOf(sequence)).filter((index) => index !== -1);
  return text.slice(0, Math.min(text.length, ...cuts));
}
