// Replies of models, as examples: whole and streamed.
import type { z } from 'zod';
import { SNAPSHOT_SEQ } from '../../../chat/snapshot.ts';
import { dataEvent, DONE, PING, snapshotEvent } from '../../../sse/encode.ts';
import type { completionShape, turnCompletionShape, usageShape } from '../../chat-reply-shapes.ts';
import { ANSWER, ANSWERED_AT, CONVERSATION_ID, MODEL, TURN_ID } from './conversation.ts';

const ID = 'chatcmpl-01a21308000070008000000000000007';

/** A small picture: one red pixel. */
export const PIXEL =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';

type Usage = z.output<typeof usageShape>;

function usageOf(prompt: number, answer: number, cached: number): Usage {
  return {
    prompt_tokens: prompt,
    completion_tokens: answer,
    total_tokens: prompt + answer,
    prompt_tokens_details: { cached_tokens: cached },
  };
}

export function completionOf(
  message: object,
  { model = MODEL, finishReason = 'stop' }: { model?: string; finishReason?: string } = {},
): z.output<typeof completionShape> {
  return {
    id: ID,
    object: 'chat.completion',
    created: ANSWERED_AT,
    model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: null, refusal: null, ...message },
        logprobs: null,
        finish_reason: finishReason,
      },
    ],
    usage: usageOf(14, 2, 0),
  };
}

export function turnCompletionOf(
  content: string,
  usage: Usage = usageOf(21, 9, 0),
): z.output<typeof turnCompletionShape> {
  return {
    ...completionOf({ content }),
    usage,
    conversation_id: CONVERSATION_ID,
    turn_id: TURN_ID,
  };
}

/** Of the turn after it: the engine found all that it had seen before. */
export const recallUsage = usageOf(45, 7, 29);

export const WEATHER_TOOL = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather in a city, now.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};

export const weatherCall = {
  id: 'call_bde190477643476b97797cdf',
  type: 'function',
  function: { name: 'get_weather', arguments: '{"city":"Rome"}' },
};

const chunkOf = (delta: object, finishReason: string | null = null) => ({
  id: ID,
  object: 'chat.completion.chunk',
  created: ANSWERED_AT,
  model: MODEL,
  choices: [{ index: 0, delta, finish_reason: finishReason }],
});

const answerChunks = (words: readonly string[]) => [
  chunkOf({ role: 'assistant', content: '' }),
  ...words.map((content) => chunkOf({ content })),
  chunkOf({}, 'stop'),
];

/** The body of a streamed `/v1` answer. */
export const STREAM = [
  ...answerChunks(['Rome', '.']),
  { ...chunkOf({}), choices: [], usage: usageOf(14, 2, 0) },
]
  .map((chunk) => dataEvent(JSON.stringify(chunk)))
  .concat(dataEvent(DONE))
  .join('');

/** The body of a streamed `/c1` answer: each event has the id from which it can be resumed. */
export const TURN_STREAM = answerChunks(['Noted', ': your', ' favourite colour is teal.'])
  .map((chunk, seq) => dataEvent(JSON.stringify(chunk), `${TURN_ID}.${seq}`))
  .concat(dataEvent(DONE))
  .join('');

/** What is left of it after its event 2 was seen. */
export const RESUMED_STREAM = `${PING}${TURN_STREAM.slice(TURN_STREAM.indexOf(`id: ${TURN_ID}.3\n`))}`;

const snapshot = chunkOf({ role: 'assistant', content: ANSWER }, 'stop');

/** Once the events of a turn are not kept any more: one stands for all. */
export const SNAPSHOT_STREAM = `${PING}${snapshotEvent(
  JSON.stringify({ ...snapshot, usage: usageOf(21, 9, 0) }),
  `${TURN_ID}.${SNAPSHOT_SEQ}`,
)}${dataEvent(DONE)}`;

/** The body of a stream that fails in mid-answer: no finish reason, no `[DONE]`. */
export const FAILED_STREAM = [
  dataEvent(JSON.stringify(chunkOf({ role: 'assistant', content: 'The capital' }))),
  dataEvent(
    JSON.stringify({
      error: {
        type: 'upstream_error',
        code: 'upstream_interrupted',
        message:
          'The upstream "spark" stopped before its answer was complete. Treat what came as unfinished.',
        param: null,
        retryable: true,
        request_id: 'req_01a213080d9d7791ac2ea36ff0172101',
      },
    }),
  ),
].join('');
