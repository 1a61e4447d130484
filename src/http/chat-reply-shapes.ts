// What chat replies look like, whole and streamed. An upstream's members pass as they come, so these shapes are open;
// test/openapi-*.test.ts hold real replies to them.
import { z } from 'zod';
import { toolCallShape } from './message-shapes.ts';

const count = z.int().min(0);

export const usageShape = z
  .looseObject({
    prompt_tokens: count.describe('Tokens of the prompt, cached ones included.'),
    completion_tokens: count.describe('Tokens of the answer, reasoning included where it counts.'),
    total_tokens: count,
    prompt_tokens_details: z
      .looseObject({
        cached_tokens: count
          .nullish()
          .describe('Prompt tokens that the engine found in its KV cache, where it tells.'),
        expected_cached_tokens: count
          .nullish()
          .describe('`/c1` only: what it should have found, by the turn before.'),
      })
      .nullish(),
    completion_tokens_details: z.looseObject({}).nullish(),
  })
  .describe('Token counts. Where an upstream counts nothing, the gateway estimates.');

const drawnImage = z.looseObject({
  type: z.string().optional(),
  image_url: z.looseObject({ url: z.string().describe('A base64 data URI.') }),
});

const logprobs = z.looseObject({}).nullish().describe('As the upstream sent them, if asked for.');

const finishReason = z
  .string()
  .nullable()
  .describe('`stop`, `length` (cut off by a limit), `tool_calls` or `content_filter`.');

const answerMessageShape = z
  .looseObject({
    role: z.literal('assistant'),
    content: z
      .string()
      .nullable()
      .optional()
      .describe('The answer; null or absent where the model only calls tools or draws.'),
    refusal: z.string().nullish(),
    tool_calls: z.array(toolCallShape).nullish(),
    reasoning: z
      .string()
      .nullish()
      .describe('What the model thought, where the upstream shows it.'),
    reasoning_content: z.string().nullish().describe('The same, by the name that others give it.'),
    images: z.array(drawnImage).nullish().describe('Pictures that the model drew, inline.'),
  })
  .describe('The answer. Members that an upstream adds are kept.');

export const completionShape = z
  .looseObject({
    id: z.string(),
    object: z.literal('chat.completion'),
    created: z.int().describe('Unix seconds.'),
    model: z.string().describe('The alias that was asked for, whatever the upstream calls it.'),
    choices: z.array(
      z.looseObject({
        index: count,
        message: answerMessageShape,
        logprobs,
        finish_reason: finishReason,
      }),
    ),
    usage: usageShape.nullish(),
  })
  .describe(
    "OpenAI's chat completion. What an upstream adds (`timings`, `system_fingerprint`, …) is passed on.",
  );

export const turnCompletionShape = completionShape
  .extend({
    conversation_id: z.string().describe('Send it with the next message.'),
    turn_id: z.string().describe('Names this question and its answer: `GET /c1/turns/{id}`.'),
  })
  .describe('A chat completion with the ids of its conversation and turn.');

const deltaCall = z.looseObject({
  index: count.describe('Which call this is a piece of.'),
  id: z.string().nullish(),
  type: z.string().nullish(),
  function: z
    .looseObject({
      name: z.string().nullish(),
      arguments: z.string().nullish().describe('The next piece of the JSON text.'),
    })
    .nullish(),
});

const deltaShape = z
  .looseObject({
    role: z.string().nullish(),
    content: z.string().nullish().describe('The next piece of the answer.'),
    refusal: z.string().nullish(),
    tool_calls: z.array(deltaCall).nullish(),
    reasoning: z.string().nullish(),
    reasoning_content: z.string().nullish(),
    images: z.array(drawnImage).nullish().describe('Each whole, in one chunk.'),
  })
  .describe('What this chunk adds to the message.');

export const chunkShape = z
  .looseObject({
    id: z.string(),
    object: z.string().describe('`chat.completion.chunk`.'),
    created: z.int(),
    model: z.string().describe('The alias.'),
    choices: z
      .array(
        z.looseObject({
          index: count,
          delta: deltaShape,
          logprobs,
          finish_reason: finishReason.optional(),
        }),
      )
      .describe('Empty in the chunk that only tells the usage.'),
    usage: usageShape
      .nullish()
      .describe('In one of the last chunks, if `stream_options.include_usage` asked for it.'),
  })
  .describe("One event of a stream: OpenAI's chat completion chunk.");
