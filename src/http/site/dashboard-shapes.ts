// What GET /dashboard/data can be asked and answers.
import { z } from 'zod';
import { shownUpstreamShape } from '../health-shapes.ts';
import { readinessShape } from './status-shapes.ts';

export const dashboardQuery = z.object({
  model: z.string().max(200).optional().describe('Only this alias.'),
  upstream: z.string().max(64).optional().describe('Only this upstream.'),
  minutes: z.coerce
    .number()
    .int()
    .min(1)
    .max(60)
    .default(60)
    .describe('How far back, up to the last hour.'),
  step: z.coerce
    .number()
    .int()
    .min(10)
    .max(600)
    .refine((seconds) => seconds % 10 === 0, 'must be a multiple of 10')
    .default(10)
    .describe('Seconds that each figure of a series is of; a multiple of 10.'),
});

const count = z.number().min(0);
const maybe = z.number().min(0).nullable();

const figures = {
  requests: count.describe('Chat requests that ended.'),
  failures: count.describe('Of these and of turns, those that ended with an error.'),
  left: count.describe('Requests whose client left first.'),
  prompt_tokens: count,
  completion_tokens: count,
  cached_tokens: count,
  reuse: maybe.describe('The share of prompt tokens that engines had cached, where they tell.'),
  ttft_p50_ms: maybe.describe('Milliseconds to the first token of streamed answers, median.'),
  ttft_p95_ms: maybe,
  tokens_per_second: maybe.describe('How fast an answer goes on after its first token.'),
};
const summary = z.object(figures);
const arrayOf = <T extends z.ZodType>(shape: T) => z.array(shape).readonly();

export const dashboardShape = z.object({
  now: z.int().describe('Unix seconds at which this was made.'),
  step_seconds: z.int(),
  from: z.int().describe('Unix seconds at which the first step begins.'),
  models: arrayOf(z.string()),
  upstreams: arrayOf(z.string()),
  series: z
    .object({
      requests: arrayOf(figures.requests),
      failures: arrayOf(figures.failures),
      left: arrayOf(figures.left),
      prompt_tokens: arrayOf(figures.prompt_tokens),
      completion_tokens: arrayOf(figures.completion_tokens),
      cached_tokens: arrayOf(figures.cached_tokens),
      reuse: arrayOf(figures.reuse),
      ttft_p50_ms: arrayOf(figures.ttft_p50_ms),
      ttft_p95_ms: arrayOf(figures.ttft_p95_ms),
      tokens_per_second: arrayOf(figures.tokens_per_second),
    })
    .describe('One figure per step.'),
  errors: z.record(z.string(), arrayOf(count)).describe('Failures per step, by code.'),
  total: summary,
  by_model: arrayOf(summary.extend({ model: z.string() })),
  by_upstream: arrayOf(summary.extend({ upstream: z.string() })),
  state: z
    .object({
      version: z.string(),
      demo: z.boolean(),
      uptime_seconds: count,
      draining: z.boolean(),
      store: readinessShape.shape.store,
      open_requests: count.describe('Without the one that asks.'),
      open_turns: count,
      memory_bytes: count,
      event_loop_lag_ms: count,
      upstreams: arrayOf(
        shownUpstreamShape.extend({
          running: count.describe('Requests of this gateway that it is answering.'),
          waiting: count.describe('Requests that wait for a slot.'),
          open_circuits: arrayOf(z.string()).describe('Its models that are left alone for now.'),
        }),
      ),
    })
    .describe('How the gateway is now.'),
});

export type DashboardData = z.output<typeof dashboardShape>;
