// An example of the dashboard's figures: two minutes of one model.
import type { DashboardData } from '../../site/dashboard-shapes.ts';
import { READY } from './models.ts';

const TOTAL: DashboardData['total'] = {
  requests: 5,
  failures: 1,
  left: 0,
  prompt_tokens: 12_400,
  completion_tokens: 900,
  cached_tokens: 10_850,
  reuse: 0.875,
  ttft_p50_ms: 180.4,
  ttft_p95_ms: 412.9,
  tokens_per_second: 61.2,
};

export const DASHBOARD: DashboardData = {
  now: 1_790_000_095,
  step_seconds: 60,
  from: 1_790_000_000,
  models: ['llama-4-scout'],
  upstreams: ['spark'],
  series: {
    requests: [3, 2],
    failures: [0, 1],
    left: [0, 0],
    prompt_tokens: [9_300, 3_100],
    completion_tokens: [640, 260],
    cached_tokens: [8_000, 2_850],
    reuse: [0.8602, 0.9194],
    ttft_p50_ms: [190.1, 171.5],
    ttft_p95_ms: [420.3, 380.2],
    tokens_per_second: [60.8, 62.1],
  },
  errors: { upstream_timeout: [0, 1] },
  total: TOTAL,
  by_model: [{ model: 'llama-4-scout', ...TOTAL }],
  by_upstream: [{ upstream: 'spark', ...TOTAL }],
  state: {
    version: READY.version,
    demo: false,
    uptime_seconds: 86_512,
    draining: false,
    store: READY.store,
    open_requests: 2,
    open_turns: 1,
    memory_bytes: 162_000_000,
    event_loop_lag_ms: 0.4,
    upstreams: READY.upstreams.map((upstream) => ({
      ...upstream,
      running: 2,
      waiting: 0,
      open_circuits: [],
    })),
  },
};
