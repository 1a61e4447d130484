// What GET /v1/models, /v1/models/{id} and /v1/info answer.
import { z } from 'zod';
import { shownUpstreamShape } from '../health-shapes.ts';

export const modelShape = z
  .object({
    id: z.string().describe('The alias: what to send as `model`.'),
    object: z.literal('model'),
    created: z.int().describe('Unix seconds at which the gateway started.'),
    owned_by: z.string().describe('The upstream that is asked first.'),
  })
  .describe("An alias, in OpenAI's form.");

export const modelListShape = z
  .object({ object: z.literal('list'), data: z.array(modelShape) })
  .describe('All aliases.');

const backendShape = z
  .object({
    upstream: z.string().describe('Its name: what `x-gateway-upstream` and `provider` call it.'),
    kind: z.string().describe('`vllm`, `ollama`, `llama.cpp`, `openrouter`, `anthropic`, …'),
    model: z.string().describe("The upstream's own name of the model."),
    local: z.boolean().describe('Whether it runs on the machine of the gateway.'),
    healthy: z.boolean().nullable().describe('By the last background probe; null before it.'),
    latency_ms: z.number().nullable(),
    context_tokens: z
      .number()
      .nullable()
      .describe('Tokens of prompt and answer, as the engine itself was started; null if unknown.'),
    loaded: z
      .boolean()
      .nullable()
      .describe('Whether it can answer without loading the model first.'),
    circuit: z
      .enum(['closed', 'open', 'half_open'])
      .describe('`open`: it has failed and is left alone for a while.'),
    running: z.number().describe('Requests of this gateway that its upstream is working on.'),
    waiting: z.number().describe('Requests that wait for a slot of its upstream.'),
  })
  .describe('A target of the alias. They are asked in this order.');

export const aliasInfoShape = z
  .object({
    alias: z.string(),
    family: z.string().nullable(),
    license: z.string().nullable(),
    context_window: z.number().nullable().describe('Tokens of prompt and answer together.'),
    modalities: z.object({
      input: z.array(z.string()).readonly().describe('`text`, `image`, `audio`, `video`.'),
      output: z.array(z.string()).readonly().describe('`text`, `image`.'),
    }),
    capabilities: z.object({
      tools: z.boolean(),
      vision: z.boolean(),
      reasoning: z.union([z.boolean(), z.literal('configurable')]),
      json_mode: z.boolean(),
      image_generation: z.boolean(),
    }),
    backends: z.array(backendShape),
    constraints: z.object({
      min_max_tokens: z
        .number()
        .nullable()
        .describe('Smaller `max_tokens` are raised to this; null for no floor.'),
      accepts_image_url: z.boolean().describe('Always false: pictures come as data URIs.'),
      typical_response_seconds: z.number().nullable(),
    }),
  })
  .describe('What an alias can do, who answers for it, and what it asks of requests.');

export const infoShape = z
  .object({
    version: z.string().describe('Of the gateway.'),
    config_hash: z.string().describe('Changes whenever the configuration does.'),
    models: z.array(aliasInfoShape),
    upstreams: z.array(
      shownUpstreamShape.extend({
        available_models: z
          .array(z.string())
          .nullable()
          .describe('Models that it has, by its own names; null where it does not tell.'),
      }),
    ),
  })
  .describe('The catalogue, for people and playgrounds.');

export type ModelEntry = z.output<typeof modelShape>;
export type ModelList = z.output<typeof modelListShape>;
export type AliasInfo = z.output<typeof aliasInfoShape>;
export type Info = z.output<typeof infoShape>;
