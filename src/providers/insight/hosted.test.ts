// Services elsewhere over a real socket, and what holds for every kind: odd answers, redirects, credentials.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import {
  look,
  models,
  startFakeEngine,
  watchFake,
  type FakeEngine,
} from '../../../test/harness/fake-engine.ts';

let engine: FakeEngine;
beforeEach(() => {
  engine = startFakeEngine();
});
afterEach(() => engine.stop());

const watch = (kind: string, path?: string) => watchFake(engine, kind, { path });

describe('a service', () => {
  test('with OpenAI’s list tells what it has, with contexts where it says so', async () => {
    engine.pages = { '/v1/models': models({ id: 'gpt' }, { id: 'own', context_length: 10 }) };
    expect(await look(watch('openai'))).toMatchObject({
      fault: null,
      insight: { contextTokens: new Map([['own', 10]]), availableModels: ['gpt', 'own'] },
    });
  });

  test('is asked as little as it takes: OpenRouter for its key, Anthropic and Gemini for one model', async () => {
    const page = { body: {} };
    engine.pages = { '/v1/key': page, '/v1/models?limit=1': page, '/v1/models?pageSize=1': page };
    for (const kind of ['openrouter', 'anthropic', 'gemini'])
      expect(await look(watch(kind))).toMatchObject({ fault: null, insight: null });
    expect(engine.requests.map(({ path }) => path)).toEqual(Object.keys(engine.pages));
    expect(engine.requests[1]?.headers.get('anthropic-version')).toBe('2023-06-01');
  });

  test('of Gemini at its OpenAI-compatible address is asked as OpenAI is', async () => {
    engine.pages = { '/v1beta/openai/models': models({ id: 'models/gemini' }) };
    expect((await look(watch('gemini', '/v1beta/openai'))).fault).toBeNull();
  });

  test('of Gemini that calls a wrong key a bad request is understood', async () => {
    const details = [{ reason: 'API_KEY_INVALID' }];
    engine.pages = { '/v1/models?pageSize=1': { status: 400, body: { error: { details } } } };
    expect((await look(watch('gemini'))).fault?.problem).toBe('refused the key (HTTP 400)');
  });

  test.each([
    [200, null],
    [400, null],
    [404, null],
    [405, null],
    [429, null],
    [501, null],
    [302, 'HTTP 302'],
    [401, 'refused the key (HTTP 401)'],
    [403, 'refused the key (HTTP 403)'],
    [500, 'HTTP 500'],
    [503, 'HTTP 503'],
    [529, 'HTTP 529'],
  ])(
    'that answers %d to the question for its models has the problem %p',
    async (status, problem) => {
      engine.pages = { '/v1/models': { status, headers: { location: '/elsewhere' } } };
      for (const kind of ['openai', 'azure', 'vllm', 'lmstudio', 'sglang', 'llama.cpp']) {
        const { fault, reachable } = await look(watch(kind));
        expect([kind, fault?.problem ?? null, reachable]).toEqual([kind, problem, true]);
      }
      expect(engine.count('/elsewhere')).toBe(0);
    },
  );
});

describe('whatever the kind', () => {
  const KINDS = ['vllm', 'llama.cpp', 'ollama', 'lmstudio', 'sglang', 'openai', 'openrouter'];
  const paths = () => new Set(engine.requests.map(({ path }) => path));
  const garbage = ['', '<html>', '{"data":', 'null', '[]', '7', '{"data":{},"models":7}'].concat(
    '{"data":[null,7,{"id":7},{"id":"__proto__","max_model_len":-1}],"models":[{"name":{}}]}',
    '['.repeat(100_000),
    '\0\u{1f600}'.repeat(100),
  );

  for (const kind of KINDS)
    test(`${kind} that answers garbage everywhere is alive, and nothing is known of it`, async () => {
      for (const body of garbage) {
        engine.pages = new Proxy({}, { get: () => ({ body }) });
        const { fault, insight } = await look(watch(kind));
        expect([body.slice(0, 30), fault]).toEqual([body.slice(0, 30), null]);
        expect(insight?.contextTokens ?? null).toBeNull();
        expect(insight?.runningRequests ?? null).toBeNull();
      }
      expect(paths().size).toBeGreaterThan(0);
    });

  for (const kind of KINDS)
    test(`${kind} is sent its own headers, asked for plain bytes, and followed nowhere`, async () => {
      const elsewhere = startFakeEngine();
      const headers = { location: `${elsewhere.root}/v1/models` };
      engine.pages = new Proxy({}, { get: () => ({ status: 307, headers }) });
      const sighting = await look(
        watchFake(engine, kind, { headers: { authorization: 'Bearer key' } }),
      );
      expect(sighting.fault?.problem).toBe('HTTP 307');
      for (const { headers: sent } of engine.requests) {
        expect(sent.get('authorization')).toBe('Bearer key');
        expect(sent.get('accept-encoding')).toBe('identity');
      }
      expect(elsewhere.requests).toEqual([]);
      await elsewhere.stop();
    });
});
