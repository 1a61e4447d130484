// GET /dashboard/data: what it tells is what was asked, over real sockets, and nobody without the token is told.
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'bun:test';
import type { DashboardData } from '../src/http/site/dashboard-shapes.ts';
import { said } from './harness/c1.ts';
import {
  chunk,
  configFor,
  replySse,
  startFakeUpstream,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
});
beforeEach(async () => {
  const usage = {
    prompt_tokens: 100,
    completion_tokens: 4,
    prompt_tokens_details: { cached_tokens: 80 },
  };
  upstream.script = (call) =>
    replySse(call, [
      chunk({ content: 'a' }),
      chunk({}, 'stop'),
      { ...chunk({}), choices: [], usage },
      '[DONE]',
    ]);
  gateway = await startGateway(configFor(upstream));
});
afterEach(async () => {
  await gateway.close();
});
afterAll(async () => {
  await upstream.close();
});

const body = { model: 'test-model', stream: true, messages: [{ role: 'user', content: 'hi' }] };
async function data(query = ''): Promise<DashboardData> {
  const response = await gateway.request(`/dashboard/data${query}`);
  expect(response.status).toBe(200);
  expect(response.headers.get('cache-control')).toBe('no-store');
  return (await response.json()) as DashboardData;
}
const sum = (values: readonly (number | null)[]) =>
  values.reduce<number>((a, b) => a + (b ?? 0), 0);

test('tells of requests, tokens, reuse and speed, in buckets that add up to the total', async () => {
  for (let i = 0; i < 3; i++)
    await (await gateway.request('/v1/chat/completions', { body })).text();
  await said(gateway, { message: 'hi' });
  await gateway.logged('turn finished');
  await gateway.request('/v1/chat/completions', { body: { ...body, messages: [] } });
  await gateway.request('/v1/chat/completions', { body: { ...body, model: 'unknown' } });
  const { series, total, errors, by_model, by_upstream, from, now, step_seconds } = await data();
  expect(total).toMatchObject({
    requests: 6,
    failures: 2,
    prompt_tokens: 400,
    completion_tokens: 16,
    cached_tokens: 320,
    reuse: 0.8,
  });
  expect(total.ttft_p50_ms).toBeGreaterThan(0);
  for (const name of ['requests', 'failures', 'prompt_tokens', 'cached_tokens'] as const) {
    expect(series[name]).toHaveLength(360);
    expect(sum(series[name])).toBe(total[name]);
  }
  expect(
    Object.fromEntries(Object.entries(errors).map(([code, counts]) => [code, sum(counts)])),
  ).toEqual({
    invalid_field: 1,
    model_not_in_allowlist: 1,
  });
  expect(by_model.map(({ model, requests }) => [model, requests])).toEqual([
    ['test-model', 4],
    ['', 2],
  ]);
  expect(by_upstream.find((each) => each.upstream === 'fake')?.requests).toBe(4);
  expect(now - (from + step_seconds * 359)).toBeLessThanOrEqual(step_seconds);
});

test('tells of one model or upstream alone', async () => {
  await (await gateway.request('/v1/chat/completions', { body })).text();
  await gateway.request('/v1/chat/completions', { body: { ...body, model: 'unknown' } });
  expect((await data('?model=test-model')).total).toMatchObject({ requests: 1, failures: 0 });
  expect((await data('?model=unknown')).total.requests).toBe(0);
  expect((await data('?upstream=fake')).total.requests).toBe(1);
  expect((await data('?model=test-model&upstream=nobody')).total.requests).toBe(0);
});

test('tells how the gateway is, and of each upstream what is known', async () => {
  const { state, models, upstreams } = await data();
  expect(state).toMatchObject({ demo: false, draining: false, open_requests: 0, open_turns: 0 });
  expect(state.store.ok).toBe(true);
  expect(state.memory_bytes).toBeGreaterThan(1_000_000);
  expect(state.uptime_seconds).toBeGreaterThanOrEqual(0);
  expect(models).toEqual(['test-model']);
  expect(upstreams).toEqual(['fake']);
  expect(state.upstreams).toMatchObject([
    { name: 'fake', healthy: true, running: 0, waiting: 0, open_circuits: [] },
  ]);
});

test('tells of fewer minutes in longer steps', async () => {
  await (await gateway.request('/v1/chat/completions', { body })).text();
  const { series, step_seconds, from, now } = await data('?minutes=15&step=60');
  expect(step_seconds).toBe(60);
  expect(series.requests).toHaveLength(15);
  expect(sum(series.requests)).toBe(1);
  expect(now - from).toBeWithin(14 * 60, 15 * 60 + 1);
  for (const wrong of ['minutes=0', 'minutes=61', 'step=15', 'step=x', `model=${'x'.repeat(201)}`])
    expect((await gateway.request(`/dashboard/data?${wrong}`)).status).toBe(400);
});

test('needs the token', async () => {
  expect((await fetch(`${gateway.url}/dashboard/data`)).status).toBe(401);
});

test('counts no token twice where the client names the same turn again', async () => {
  const headers = { 'idempotency-key': 'same' };
  for (let i = 0; i < 2; i++)
    await (
      await gateway.request('/c1/chat', { body: { model: 'test-model', message: 'hi' }, headers })
    ).text();
  await gateway.logged('turn finished');
  expect((await data()).total).toMatchObject({ requests: 2, prompt_tokens: 100 });
});
