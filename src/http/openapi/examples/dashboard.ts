// What the example of GET /dashboard/data answers.
import type { DashboardData } from '../../site/dashboard-shapes.ts';
import { MODEL } from './conversation.ts';
import { READY } from './models.ts';

const ONE_ANSWER = {
  requests: 1,
  failures: 0,
  left: 0,
  prompt_tokens: 120,
  completion_tokens: 40,
  cached_tokens: 96,
  reuse: 0.8,
  ttft_p50_ms: 180,
  ttft_p95_ms: 180,
  tokens_per_second: 42.5,
};

export const DASHBOARD: DashboardData = {
  now: 1_764_079_200,
  step_seconds: 30,
  from: 1_764_079_170,
  models: [MODEL],
  upstreams: ['spark'],
  series: {
    requests: [1],
    failures: [0],
    left: [0],
    prompt_tokens: [120],
    completion_tokens: [40],
    cached_tokens: [96],
    reuse: [0.8],
    ttft_p50_ms: [180],
    ttft_p95_ms: [180],
    tokens_per_second: [42.5],
  },
  errors: {},
  total: ONE_ANSWER,
  by_model: [{ model: MODEL, ...ONE_ANSWER }],
  by_upstream: [{ upstream: 'spark', ...ONE_ANSWER }],
  state: {
    version: READY.version,
    demo: false,
    uptime_seconds: 86_400,
    draining: false,
    store: READY.store,
    open_requests: 0,
    open_turns: 0,
    memory_bytes: 78_000_000,
    event_loop_lag_ms: 0.1,
    upstreams: READY.upstreams.map((upstream) => ({
      ...upstream,
      running: 0,
      waiting: 0,
      open_circuits: [],
    })),
  },
};
