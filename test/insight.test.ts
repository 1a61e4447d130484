// What operators and clients are shown of the upstreams: /readyz and /v1/info, fed by background probes alone.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { models, startFakeEngine, type FakeEngine } from './harness/fake-engine.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';

const METRICS = `vllm:num_requests_running{engine="0"} 2
vllm:num_requests_waiting{engine="0"} 1
vllm:kv_cache_usage_perc{engine="0"} 0.123456
vllm:prefix_cache_queries_total{engine="0"} 3
vllm:prefix_cache_hits_total{engine="0"} 1
lmcache:local_cache_usage 1024
`;

let engine: FakeEngine;
let gateway: TestGateway;

beforeEach(async () => {
  const list = models({ id: '/srv/secret-place/scout', max_model_len: 4096 });
  engine = startFakeEngine({
    '/health': {},
    '/v1/models': list,
    '/v1/models?limit=1': { status: 401, body: { error: { message: 'invalid x-api-key' } } },
    '/metrics': { body: METRICS },
    '/version': { body: { version: '0.19.1' } },
  });
  gateway = await startGateway(`
catalogue: replace
health: { probe_interval_ms: 3600000 }
upstreams:
  spark: { kind: vllm, base_url: ${engine.root}/v1, api_key: spark-secret-key }
  claude: { kind: anthropic, base_url: ${engine.root}/v1, api_key: claude-secret-key }
models:
  scout:
    targets:
      - { upstream: spark, model: /srv/secret-place/scout }
      - { upstream: spark, model: not-there }
      - { upstream: claude, model: claude }
`);
});
afterEach(async () => {
  await gateway.close();
  await engine.stop();
});

const SPARK = {
  name: 'spark',
  kind: 'vllm',
  healthy: true,
  latency_ms: expect.any(Number) as number,
  problem: null,
  checked_at: expect.any(Number) as number,
  insight: {
    engine_version: '0.19.1',
    running_requests: 2,
    waiting_requests: 1,
    kv_cache_usage: 0.1235,
    prefix_hit_ratio: 0.3333,
    prefix_hit_ratio_recent: null,
    context_tokens: { scout: 4096 },
    loaded_models: ['scout'],
    cache_tiers: [{ name: 'lmcache', hit_ratio: null, hit_ratio_recent: null, used_bytes: 1024 }],
  },
};

const CLAUDE = {
  ...SPARK,
  name: 'claude',
  kind: 'anthropic',
  healthy: false,
  problem: 'refused the key (HTTP 401)',
  insight: null,
};

test('/readyz shows each upstream’s health and what its engine says, and nothing that is not for everybody', async () => {
  const response = await fetch(`${gateway.url}/readyz`);
  const text = await response.text();
  expect(response.status).toBe(200);
  expect(JSON.parse(text)).toMatchObject({ status: 'ready', upstreams: [SPARK, CLAUDE] });
  for (const secret of ['secret', '127.0.0.1', '/srv']) expect(text).not.toContain(secret);
});

test('/v1/info shows the same, what is there, and of each back end its context and whether it is loaded', async () => {
  const response = await gateway.request('/v1/info');
  const text = await response.text();
  const info = JSON.parse(text) as {
    models: { backends: Record<string, unknown>[] }[];
    upstreams: unknown[];
  };
  expect(info.upstreams).toEqual([
    { ...SPARK, available_models: ['scout'] },
    { ...CLAUDE, available_models: null },
  ]);
  const latency_ms = expect.any(Number) as number;
  const idle = { circuit: 'closed', running: 0, waiting: 0 };
  const spark = {
    upstream: 'spark',
    kind: 'vllm',
    local: true,
    healthy: true,
    latency_ms,
    ...idle,
  };
  expect(info.models[0]?.backends).toEqual([
    { ...spark, model: '/srv/secret-place/scout', context_tokens: 4096, loaded: true },
    { ...spark, model: 'not-there', context_tokens: null, loaded: false },
    {
      ...spark,
      upstream: 'claude',
      kind: 'anthropic',
      healthy: false,
      model: 'claude',
      context_tokens: null,
      loaded: null,
      // Its key is refused.
      circuit: 'open',
    },
  ]);
  expect(text).not.toContain('secret-key');
});

test('each upstream gets its own key, in its own header', () => {
  const keys = (path: string) =>
    engine.requests
      .filter((request) => request.path === path)
      .map(({ headers }) => [headers.get('authorization'), headers.get('x-api-key')]);
  expect(keys('/v1/models')).toEqual([['Bearer spark-secret-key', null]]);
  expect(keys('/v1/models?limit=1')).toEqual([[null, 'claude-secret-key']]);
});

test('no request of a client makes a probe', async () => {
  const probes = engine.requests.length;
  const body = { model: 'scout', messages: [{ role: 'user', content: 'hi' }] };
  for (let round = 0; round < 5; round++) {
    await (await fetch(`${gateway.url}/readyz`)).text();
    await (await gateway.request('/v1/info')).text();
    await (await gateway.request('/v1/models')).text();
    await (await gateway.request('/v1/chat/completions', { body })).text();
    await (await gateway.request('/c1/chat', { body: { model: 'scout', message: 'hi' } })).text();
  }
  const asked = engine.requests.slice(probes).map(({ path }) => path);
  expect(new Set(asked)).toEqual(new Set(['/v1/chat/completions', '/v1/messages']));
});
