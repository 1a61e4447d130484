// What is shown of an upstream's health, by GET /readyz and GET /v1/info.
import { z } from 'zod';

const share = z.number().min(0).max(1).nullable();

const insightShape = z
  .object({
    engine_version: z.string().nullable(),
    running_requests: z.number().nullable(),
    waiting_requests: z.number().nullable(),
    kv_cache_usage: share.describe('How full the KV cache is, 0 to 1.'),
    prefix_hit_ratio: share.describe(
      'Prompt tokens found in the KV cache since the engine started.',
    ),
    prefix_hit_ratio_recent: share.describe('The same since the probe before.'),
    context_tokens: z
      .record(z.string(), z.number())
      .nullable()
      .describe("Tokens of prompt and answer, by the engine's name of each model."),
    loaded_models: z.array(z.string()).nullable(),
    cache_tiers: z
      .array(
        z.object({
          name: z.string().describe('`external`, or what LMCache calls itself.'),
          hit_ratio: share,
          hit_ratio_recent: share,
          used_bytes: z.number().nullable(),
        }),
      )
      .nullable()
      .describe("What keeps KV blocks beside the engine's own cache."),
  })
  .describe('What the engine says of itself. Null where it does not say.');

export const shownUpstreamShape = z
  .object({
    name: z.string(),
    kind: z.string(),
    healthy: z.boolean().nullable().describe('null until it was first probed.'),
    latency_ms: z.number().nullable(),
    problem: z.string().nullable().describe('What the last probe ran into.'),
    checked_at: z.int().nullable().describe('Unix seconds of the last probe.'),
    insight: insightShape.nullable(),
  })
  .describe('An upstream as the last background probe found it. No request makes a probe.');

export type ShownUpstream = z.output<typeof shownUpstreamShape>;
export type ShownInsight = z.output<typeof insightShape>;
