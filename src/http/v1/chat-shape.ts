// The body of POST /v1/chat/completions: what the gateway checks of it, and what it only carries.
import { z } from 'zod';
import { messageShape, toolShape } from '../message-shapes.ts';
import { streamShapes } from '../stream-shapes.ts';

/** The fields that the gateway knows; every other one is carried as it is. */
export const chatCompletionsShape = z.looseObject({
  model: z.string().describe('One of the aliases that `GET /v1/models` lists.'),
  messages: z
    .array(z.unknown().meta({ documentedBy: messageShape }))
    .min(1, 'needs at least one message')
    .describe('The whole conversation so far, oldest first. The gateway keeps nothing of it.'),
  ...streamShapes,
});

export type ChatCompletions = z.output<typeof chatCompletionsShape>;

/** Whether the fields are what nearly all requests have: then the schema has nothing to find. */
export function isPlainChat(value: Readonly<Record<string, unknown>>): value is ChatCompletions {
  const { model, messages, stream, stream_options: options } = value;
  return (
    typeof model === 'string' &&
    Array.isArray(messages) &&
    messages.length > 0 &&
    (stream === undefined || typeof stream === 'boolean') &&
    options === undefined
  );
}

/** Checked by hand, by both APIs: chat/token-limits.ts and chat/chat-request.ts. */
export const limitsAndTools = {
  max_tokens: z
    .int()
    .min(1)
    .nullish()
    .describe(
      "The most tokens of the answer. Below the model's floor (`constraints.min_max_tokens` of `GET /v1/info`) it is raised to it, and `x-gateway-applied` says so: reasoning models would answer nothing.",
    ),
  max_completion_tokens: z
    .int()
    .min(1)
    .nullish()
    .describe('The newer name of `max_tokens`; treated alike.'),
  tools: z
    .array(z.unknown().meta({ documentedBy: toolShape }))
    .nullish()
    .describe('Functions that the model may ask to be called; the alias has to be able to.'),
};

/** What people send most of what is only carried: the upstream decides what it makes of it. */
export const carriedParameters = {
  temperature: z.number().nullish().describe('Carried to the upstream, usually 0 to 2.'),
  top_p: z.number().nullish().describe('Carried to the upstream.'),
  stop: z
    .union([z.string(), z.array(z.string())])
    .nullish()
    .describe('Carried to the upstream: texts that end the answer.'),
  seed: z.int().nullish().describe('Carried to the upstream, with all its digits.'),
  presence_penalty: z.number().nullish().describe('Carried to the upstream.'),
  frequency_penalty: z.number().nullish().describe('Carried to the upstream.'),
  reasoning_effort: z
    .string()
    .nullish()
    .describe('Carried to the upstream: `low`, `medium`, `high`, and what else it knows.'),
};

/** The body as the document shows it. */
export const documentedChatCompletions = chatCompletionsShape
  .extend({
    ...limitsAndTools,
    tool_choice: z
      .union([z.string(), z.looseObject({})])
      .nullish()
      .describe('Carried to the upstream: `auto`, `none`, `required`, or one function.'),
    response_format: z
      .looseObject({ type: z.string() })
      .nullish()
      .describe('Carried to the upstream: `text`, `json_object` or `json_schema`.'),
    n: z.int().nullish().describe('Carried to the upstream: how many answers.'),
    ...carriedParameters,
  })
  .describe(
    "OpenAI's request. The gateway acts on the fields below that are not marked as carried; those and every other field, known or not, reach the upstream in your order and with your digits.",
  );
