// What GET /dashboard/data takes and answers.
import { z } from 'zod';
import { shownUpstreamShape } from '../health-shapes.ts';

export const dashboardQuery = z.object({
  model: z.string().max(200).optional().describe('This alias alone.'),
  upstream: z.string().max(64).optional().describe('This upstream alone.'),
  minutes: z.coerce
    .number()
    .int()
    .min(1)
    .max(60)
    .default(60)
    .describe('How much of the last hour.'),
  step: z.coerce
    .number()
    .int()
    .min(10)
    .max(600)
    .multipleOf(10)
    .default(10)
    .describe('Seconds that one value of a series stands for.'),
});

const summary = {
  requests: z.number().describe('Chat requests that have ended.'),
  failures: z.number().describe('Those that ended with an error.'),
  left: z.number().describe('Those whose client left first.'),
  prompt_tokens: z.number(),
  completion_tokens: z.number(),
  cached_tokens: z.number().describe('Prompt tokens that came from caches of engines.'),
  reuse: z.number().nullable().describe('Their share, 0 to 1, where upstreams tell it.'),
  ttft_p50_ms: z.number().nullable().describe('Median time to the first token.'),
  ttft_p95_ms: z.number().nullable().describe('95% begin within this.'),
  tokens_per_second: z.number().nullable().describe('The pace after the first token.'),
};

const series = Object.fromEntries(
  Object.entries(summary).map(([name, shape]) => [name, z.array(shape)]),
) as { [K in keyof typeof summary]: z.ZodArray<(typeof summary)[K]> };

const upstreamStateShape = shownUpstreamShape.extend({
  running: z.number().describe('Requests of this gateway that run there.'),
  waiting: z.number().describe('Requests of this gateway that wait for it.'),
  open_circuits: z.array(z.string()).describe('Models that are left alone after failures.'),
});

export const dashboardDataShape = z
  .object({
    now: z.number().describe('Unix seconds at which the reply was made.'),
    step_seconds: z.number(),
    from: z.number().describe('Unix seconds at which the first step begins.'),
    models: z.array(z.string()).describe('The aliases that are served.'),
    upstreams: z.array(z.string()),
    series: z.object(series).describe('One value for each step, the oldest first.'),
    errors: z.record(z.string(), z.array(z.number())).describe('Failures per step, by code.'),
    total: z.object(summary).describe('All steps together.'),
    by_model: z.array(z.object({ model: z.string(), ...summary })),
    by_upstream: z.array(z.object({ upstream: z.string(), ...summary })),
    state: z
      .object({
        version: z.string(),
        demo: z.boolean(),
        uptime_seconds: z.number(),
        draining: z.boolean(),
        store: z.object({
          ok: z.boolean(),
          latency_ms: z.number().nullable(),
          problem: z.string().nullable(),
        }),
        open_requests: z.number().describe('Without this one.'),
        open_turns: z.number(),
        memory_bytes: z.number(),
        event_loop_lag_ms: z.number(),
        upstreams: z.array(upstreamStateShape),
      })
      .describe('How the gateway is now.'),
  })
  .describe('The figures of the dashboard.');

export type DashboardData = z.output<typeof dashboardDataShape>;
