// Each kind of engine over a real socket: what it is asked, and what its answers come to.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import {
  look,
  models,
  startFakeEngine,
  watchFake,
  type FakeEngine,
} from '../../../test/harness/fake-engine.ts';
import { contextTokensOf, isLoaded, NOTHING_KNOWN } from './insight.ts';

let engine: FakeEngine;
beforeEach(() => {
  engine = startFakeEngine();
});
afterEach(() => engine.stop());

const fixture = (name: string) =>
  readFileSync(new URL(`fixtures/${name}.txt`, import.meta.url), 'utf8');

const watch = (kind: string, path?: string) => watchFake(engine, kind, { path });

describe('vLLM', () => {
  const SCOUT = 'nvidia/Llama-4-Scout-17B-16E-Instruct-NVFP4';
  beforeEach(() => {
    engine.pages = {
      '/health': { body: '' },
      '/v1/models': models({
        id: SCOUT,
        object: 'model',
        owned_by: 'vllm',
        max_model_len: 131_072,
      }),
      '/metrics': { body: fixture('vllm-metrics') },
      '/version': { body: { version: '0.19.1' } },
    };
  });

  test('tells its load, its cache, LMCache beside it, and its context', async () => {
    const { fault, insight, reachable } = await look(watch('vllm'));
    expect({ fault, reachable }).toEqual({ fault: null, reachable: true });
    expect(insight).toEqual({
      engineVersion: '0.19.1',
      runningRequests: 5,
      waitingRequests: 1,
      kvCacheUsage: 0.4375,
      prefixHitRatio: 0.8,
      prefixHitRatioRecent: null,
      contextTokens: new Map([[SCOUT, 131_072]]),
      loadedModels: [SCOUT],
      availableModels: [SCOUT],
      servesAnyName: false,
      cacheTiers: [
        { name: 'external', hitRatio: 0.25, hitRatioRecent: null, usedBytes: null },
        { name: 'lmcache', hitRatio: 0.3, hitRatioRecent: null, usedBytes: 5_368_709_120 },
        { name: 'lmcache_disk', hitRatio: null, hitRatioRecent: null, usedBytes: 1_073_741_824 },
      ],
    });
  });

  test('tells at the second look how the cache did since the first', async () => {
    const watched = watch('vllm');
    await look(watched);
    const later = fixture('vllm-metrics')
      .replace(/(prefix_cache_queries_total\{engine="1".*) 500000.0/, '$1 600000.0')
      .replace(/(prefix_cache_hits_total\{engine="1".*) 400000.0/, '$1 490000.0');
    engine.pages['/metrics'] = { body: later };
    expect((await look(watched)).insight?.prefixHitRatioRecent).toBe(0.9);
  });

  test('in an older version has older names for the same', async () => {
    engine.pages['/metrics'] = {
      body: 'vllm:gpu_cache_usage_perc{model_name="m"} 0.5\nvllm:gpu_prefix_cache_queries_total 10\nvllm:gpu_prefix_cache_hits_total 4\nlmcache:num_lookup_tokens_total 10\nlmcache:num_lookup_hits_total 1\n',
    };
    expect((await look(watch('vllm'))).insight).toMatchObject({
      kvCacheUsage: 0.5,
      prefixHitRatio: 0.4,
      cacheTiers: [{ name: 'lmcache', hitRatio: 0.1, usedBytes: null }],
    });
  });

  test('whose engine has died says so at /health, and is not well though it lists its models', async () => {
    engine.pages['/health'] = { status: 503 };
    expect((await look(watch('vllm'))).fault).toEqual({ problem: 'HTTP 503', certain: true });
  });

  test('behind a proxy that shows nothing but /v1 is well all the same', async () => {
    engine.pages = { '/v1/models': models({ id: 'm', max_model_len: 8 }) };
    const { fault, insight } = await look(watch('vllm'));
    expect(fault).toBeNull();
    expect(insight).toMatchObject({ contextTokens: new Map([['m', 8]]), runningRequests: null });
  });

  test('is not asked for its version again at the next probe, which still tells it', async () => {
    const watched = watch('vllm');
    await look(watched);
    expect((await look(watched)).insight?.engineVersion).toBe('0.19.1');
    expect(engine.count('/version')).toBe(1);
    expect(engine.count('/metrics')).toBe(2);
  });
});

describe('llama.cpp', () => {
  const props = JSON.parse(fixture('llama-cpp-props')) as Record<string, unknown>;
  beforeEach(() => {
    engine.pages = {
      '/health': { body: { status: 'ok' } },
      '/v1/models': { body: fixture('llama-cpp-models') },
      '/props': { body: props },
      '/metrics': { body: fixture('llama-cpp-metrics') },
      '/slots': { body: fixture('llama-cpp-slots') },
    };
  });

  test('tells its load, its cache and the context of one slot', async () => {
    const { fault, insight } = await look(watch('llama.cpp'));
    expect(fault).toBeNull();
    expect(insight).toMatchObject({
      engineVersion: props['build_info'],
      runningRequests: 0,
      waitingRequests: 0,
      kvCacheUsage: 49 / 4096,
      prefixHitRatio: 41 / 84,
      contextTokens: new Map([['tiny', 4096]]),
      loadedModels: ['tiny'],
      cacheTiers: null,
    });
    expect(contextTokensOf(insight, 'whatever the alias is')).toBe(4096);
    expect(isLoaded(insight, 'whatever the alias is')).toBe(true);
  });

  test('that divides its context among slots gives a request the share of one', async () => {
    engine.pages['/v1/models'] = models({ id: 'm', meta: { n_ctx_train: 131_072 } });
    engine.pages['/props'] = {
      body: { default_generation_settings: { n_ctx: 2048 }, total_slots: 4 },
    };
    expect(contextTokensOf((await look(watch('llama.cpp'))).insight, 'm')).toBe(2048);
  });

  test('that loads its model is reachable, and says what it is doing', async () => {
    const body = { error: { message: 'Loading model', type: 'unavailable_error', code: 503 } };
    engine.pages = Object.fromEntries(
      ['/health', '/v1/models', '/props'].map((path) => [path, { status: 503, body }]),
    );
    expect(await look(watch('llama.cpp'))).toMatchObject({
      fault: { problem: 'loading the model (HTTP 503)', certain: true },
      reachable: true,
    });
    expect(engine.count('/metrics') + engine.count('/slots')).toBe(0);
  });

  test('is asked for its slots again only after it has worked: asking keeps it from sleeping', async () => {
    const watched = watch('llama.cpp');
    await look(watched);
    expect((await look(watched)).insight?.kvCacheUsage).toBe(49 / 4096);
    expect(engine.count('/slots')).toBe(1);
    const worked = fixture('llama-cpp-metrics').replace('predicted_total 16', 'predicted_total 17');
    engine.pages['/metrics'] = { body: worked };
    await look(watched);
    expect(engine.count('/slots')).toBe(2);
  });

  test('that sleeps is well, holds no model, and is not woken', async () => {
    engine.pages['/props'] = { body: { ...props, is_sleeping: true } };
    const { fault, insight } = await look(watch('llama.cpp'));
    expect(fault).toBeNull();
    expect(insight).toMatchObject({ loadedModels: [], kvCacheUsage: null });
    expect(contextTokensOf(insight, 'tiny')).toBe(4096);
    expect(engine.count('/slots')).toBe(0);
  });

  test('without metrics is not asked for its slots where it might want to sleep', async () => {
    engine.pages['/props'] = { body: { ...props, endpoint_metrics: false } };
    expect((await look(watch('llama.cpp'))).insight).toMatchObject({ runningRequests: null });
    expect(engine.count('/metrics') + engine.count('/slots')).toBe(0);
  });

  test('of a version that cannot sleep tells by its slots what it tells not by metrics', async () => {
    const slot = { id: 0, n_ctx: 100, n_prompt_tokens: 40, is_processing: true };
    engine.pages['/props'] = { body: { default_generation_settings: { n_ctx: 100 } } };
    engine.pages['/metrics'] = { status: 501 };
    engine.pages['/slots'] = { body: [slot, { ...slot, n_prompt_tokens: 0 }] };
    expect((await look(watch('llama.cpp'))).insight).toMatchObject({
      runningRequests: 2,
      kvCacheUsage: 0.4,
    });
  });

  test('without its endpoints for slots and metrics is well', async () => {
    engine.pages['/metrics'] = { status: 501 };
    engine.pages['/slots'] = { status: 501 };
    const { fault, insight } = await look(watch('llama.cpp'));
    expect(fault).toBeNull();
    expect(insight).toMatchObject({ runningRequests: null, kvCacheUsage: null });
  });

  test('that lists its models to everybody but wants another key is not well', async () => {
    engine.pages['/props'] = { status: 401, body: { error: { message: 'Invalid API Key' } } };
    expect((await look(watch('llama.cpp'))).fault?.problem).toBe('refused the key (HTTP 401)');
  });

  test('as a router tells which models are loaded, and is asked for nothing that loads one', async () => {
    engine.pages['/props'] = {
      body: { role: 'router', default_generation_settings: { n_ctx: 0 } },
    };
    engine.pages['/v1/models'] = models(
      { id: 'a', status: { value: 'loaded' } },
      { id: 'b', status: { value: 'unloaded' } },
    );
    const { insight } = await look(watch('llama.cpp'));
    expect(insight).toMatchObject({ loadedModels: ['a'], availableModels: ['a', 'b'] });
    expect([isLoaded(insight, 'a'), isLoaded(insight, 'b')]).toEqual([true, false]);
    expect(engine.count('/metrics') + engine.count('/slots')).toBe(0);
  });
});

describe('Ollama', () => {
  const loaded = { name: 'llama3.2:latest', model: 'llama3.2:latest', context_length: 8192 };
  beforeEach(() => {
    engine.pages = {
      '/api/version': { body: { version: '0.31.0' } },
      '/api/ps': { body: { models: [{ ...loaded, size_vram: 5, expires_at: 'soon' }] } },
      '/api/tags': { body: { models: [{ name: 'llama3.2:latest' }, { name: 'qwen3:8b' }] } },
    };
  });

  for (const path of ['', '/', '/v1'])
    test(`at ${path || 'its root'} tells what is loaded, what is there, and the context in use`, async () => {
      const { fault, insight } = await look(watch('ollama', path));
      expect(fault).toBeNull();
      expect(insight).toEqual({
        ...NOTHING_KNOWN,
        engineVersion: '0.31.0',
        contextTokens: new Map([['llama3.2:latest', 8192]]),
        loadedModels: ['llama3.2:latest'],
        availableModels: ['llama3.2:latest', 'qwen3:8b'],
      });
      expect(contextTokensOf(insight, 'llama3.2')).toBe(8192);
      expect([isLoaded(insight, 'llama3.2'), isLoaded(insight, 'qwen3:8b')]).toEqual([true, false]);
    });

  test('keeps the context of a model that it has unloaded, until it is loaded with another', async () => {
    const watched = watch('ollama');
    await look(watched);
    engine.pages['/api/ps'] = { body: { models: [] } };
    const idle = (await look(watched)).insight;
    expect([contextTokensOf(idle, 'llama3.2'), isLoaded(idle, 'llama3.2')]).toEqual([8192, false]);
    engine.pages['/api/ps'] = { body: { models: [{ ...loaded, context_length: 4096 }] } };
    expect(contextTokensOf((await look(watched)).insight, 'llama3.2')).toBe(4096);
  });
});

describe('LM Studio', () => {
  test('tells which models are loaded, and with which context', async () => {
    engine.pages = {
      '/v1/models': models({ id: 'a' }, { id: 'b' }),
      '/api/v0/models': models(
        { id: 'a', state: 'loaded', max_context_length: 131_072, loaded_context_length: 8192 },
        { id: 'b', state: 'not-loaded', max_context_length: 32_768 },
      ),
    };
    expect(await look(watch('lmstudio'))).toMatchObject({
      fault: null,
      insight: {
        contextTokens: new Map([['a', 8192]]),
        loadedModels: ['a'],
        availableModels: ['a', 'b'],
      },
    });
  });

  test('without its own endpoints is well, and tells what it has', async () => {
    engine.pages = { '/v1/models': models({ id: 'a' }) };
    expect(await look(watch('lmstudio'))).toMatchObject({
      fault: null,
      insight: { loadedModels: null, availableModels: ['a'] },
    });
  });
});

describe('SGLang', () => {
  test('tells its load once for each replica, its cache and its context', async () => {
    engine.pages = {
      '/v1/models': models({ id: 'deepseek-v3', owned_by: 'sglang', max_model_len: 163_840 }),
      '/metrics': { body: fixture('sglang-metrics') },
      '/get_server_info': { body: { version: '0.5.12', context_length: 1, api_key: 'secret' } },
    };
    const { fault, insight } = await look(watch('sglang'));
    expect(fault).toBeNull();
    expect(insight).toMatchObject({
      engineVersion: '0.5.12',
      runningRequests: 7,
      waitingRequests: 2,
      kvCacheUsage: 0.31,
      prefixHitRatio: 0.5,
      prefixHitRatioRecent: 0.93,
      contextTokens: new Map([['deepseek-v3', 163_840]]),
      loadedModels: ['deepseek-v3'],
    });
    expect(engine.count('/health')).toBe(0);
  });

  test('that does not list its context is believed what it was started with', async () => {
    engine.pages = {
      '/v1/models': models({ id: 'm' }),
      '/get_server_info': { body: { context_length: 4096 } },
    };
    expect(contextTokensOf((await look(watch('sglang'))).insight, 'm')).toBe(4096);
  });
});
