// Aliases and upstreams, as examples.
import type { ShownUpstream } from '../../health-shapes.ts';
import type { Info, ModelEntry } from '../../v1/model-shapes.ts';
import type { Readiness } from '../../site/status-shapes.ts';
import { ASKED_AT, MODEL } from './conversation.ts';

const STARTED_AT = ASKED_AT - 3_600;
const ENGINE_MODEL = 'nvidia/Llama-4-Scout-17B-16E-Instruct-NVFP4';

export const MODELS: readonly ModelEntry[] = [
  { id: MODEL, object: 'model', created: STARTED_AT, owned_by: 'spark' },
  { id: 'flagship', object: 'model', created: STARTED_AT, owned_by: 'openrouter' },
];

const SPARK: ShownUpstream = {
  name: 'spark',
  kind: 'vllm',
  healthy: true,
  latency_ms: 3.2,
  problem: null,
  checked_at: ASKED_AT,
  insight: {
    engine_version: '0.11.2',
    running_requests: 2,
    waiting_requests: 0,
    kv_cache_usage: 0.31,
    prefix_hit_ratio: 0.87,
    prefix_hit_ratio_recent: 0.92,
    context_tokens: { [ENGINE_MODEL]: 131_072 },
    loaded_models: [ENGINE_MODEL],
    cache_tiers: [{ name: 'external', hit_ratio: 0.12, hit_ratio_recent: null, used_bytes: null }],
  },
};

export const READY: Readiness = {
  status: 'ready',
  demo: false,
  version: '0.1.0',
  store: { ok: true, latency_ms: 0.4, problem: null },
  upstreams: [SPARK],
};

export const NOT_READY: Readiness = {
  status: 'not_ready',
  demo: false,
  version: '0.1.0',
  store: { ok: true, latency_ms: 0.4, problem: null },
  upstreams: [
    {
      ...SPARK,
      healthy: false,
      latency_ms: null,
      problem: 'could not be reached (ConnectionRefused)',
      insight: null,
    },
  ],
};

export const INFO: Info = {
  version: '0.1.0',
  config_hash: 'a9997da86a0e',
  models: [
    {
      alias: MODEL,
      family: 'llama',
      license: 'Llama 4 Community License',
      context_window: 10_000_000,
      modalities: { input: ['text', 'image'], output: ['text'] },
      capabilities: {
        tools: true,
        vision: true,
        reasoning: false,
        json_mode: true,
        image_generation: false,
      },
      backends: [
        {
          upstream: 'spark',
          kind: 'vllm',
          model: ENGINE_MODEL,
          local: true,
          healthy: true,
          latency_ms: 3.2,
          context_tokens: 131_072,
          loaded: true,
          circuit: 'closed',
          running: 2,
          waiting: 0,
        },
      ],
      constraints: {
        min_max_tokens: null,
        accepts_image_url: false,
        typical_response_seconds: 8,
      },
    },
  ],
  upstreams: [{ ...SPARK, available_models: [ENGINE_MODEL] }],
};
