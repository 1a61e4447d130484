// GET /metrics: who may read it, what it counts, and that no client can fill it with series.
import { IncomingRequest } from '../src/http/wire/incoming.ts';
import { RequestBody } from '../src/http/wire/request-body.ts';
import { parseHead } from '../src/http/wire/request-head.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { METRICS } from '../src/observe/metric-definitions.ts';
import { chat, holdCalls, said } from './harness/c1.ts';
import {
  chunk,
  configFor,
  replyJson,
  replySse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, TOKEN, type TestGateway } from './harness/gateway.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
});
beforeEach(async () => {
  upstream.script = (call) => replySse(call, streamOf(['ok']));
  gateway = await startGateway(configFor(upstream));
});
afterAll(async () => {
  await upstream.close();
});

type Series = ReadonlyMap<string, number>;

/** The samples by name and labels, as they are written. */
async function scrape({ url }: TestGateway): Promise<Series> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

const WHO = 'alias="test-model",upstream="fake"';
const body = { model: 'test-model', messages: [{ role: 'user', content: 'hi' }] };
const counted = (cached: number) => ({
  prompt_tokens: 1_000,
  completion_tokens: 200,
  total_tokens: 1_200,
  prompt_tokens_details: { cached_tokens: cached },
});
const answering = (cached: number) => {
  upstream.script = (call) => {
    const usage = { ...chunk({}), choices: [], usage: counted(cached) };
    return replySse(call, [chunk({ content: 'ok' }), chunk({}, 'stop'), usage, '[DONE]']);
  };
};

describe('the metrics', () => {
  test('count requests with their route, status, alias and upstream', async () => {
    upstream.script = (call) => replyJson(call, { ...chunk({}), usage: counted(64) });
    await gateway.request('/v1/chat/completions', { body: { ...body, messages: [] } });
    upstream.script = (call) =>
      replyJson(call, {
        choices: [
          { index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' },
        ],
        usage: counted(64),
      });
    for (let i = 0; i < 3; i++) await gateway.request('/v1/chat/completions', { body });
    await fetch(`${gateway.url}/v1/models/test-model`);
    const series = await scrape(gateway);
    const route = 'route="/v1/chat/completions"';
    expect(series.get(`gateway_requests_total{${route},method="POST",status="200",${WHO}}`)).toBe(
      3,
    );
    const refused = 'route="/v1/models/:id{.+}",method="GET",status="401",alias="",upstream=""';
    expect(series.get(`gateway_requests_total{${refused}}`)).toBe(1);
    const failure = 'route="/v1/models/:id{.+}",code="missing_authorization"';
    expect(series.get(`gateway_request_failures_total{${failure}}`)).toBe(1);
    expect(series.get(`gateway_request_duration_seconds_count{${route},${WHO}}`)).toBe(3);
    expect(series.get(`gateway_upstream_first_byte_seconds_count{stream="false",${WHO}}`)).toBe(3);
    expect(series.get(`gateway_prompt_tokens_total{${WHO}}`)).toBe(3_000);
    expect(series.get(`gateway_completion_tokens_total{${WHO}}`)).toBe(600);
    expect(series.get(`gateway_cached_tokens_total{${WHO}}`)).toBe(192);
    expect(series.get('gateway_upstream_up{upstream="fake"}')).toBe(1);
    expect(series.get('gateway_store_up')).toBe(1);
    // The one that asks.
    expect(series.get('gateway_open_requests')).toBe(1);
    await gateway.close();
  });

  test('count turns, their tokens once, what of the expected ones was found, and breaks', async () => {
    answering(0);
    const { conversation_id } = await said(gateway, { message: 'one' });
    for (const cached of [1_184, 1_300, 64]) {
      answering(cached);
      await said(gateway, { conversation_id, message: 'next' });
    }
    upstream.script = (call) => replySse(call, [chunk({ content: 'half' })]);
    await (await chat(gateway, { conversation_id, message: 'broken', stream: true })).text();
    const last = 'gateway_turns_total{status="failed"';
    let series = await scrape(gateway);
    while (!series.has(`${last},${WHO}}`)) series = await scrape(gateway);
    expect(series.get(`gateway_turns_total{status="completed",${WHO}}`)).toBe(4);
    expect(series.get(`gateway_prompt_tokens_total{${WHO}}`)).toBe(4_000);
    expect(series.get(`gateway_cached_tokens_total{${WHO}}`)).toBe(2_548);
    expect(series.get(`gateway_expected_cached_tokens_total{${WHO}}`)).toBe(3 * 1_184);
    const found = `gateway_expected_cached_tokens_found_total{${WHO}}`;
    expect(series.get(found)).toBe(2 * 1_184 + 64);
    expect(series.get(`gateway_prefix_breaks_total{reason="eviction",${WHO}}`)).toBe(1);
    expect(series.get(`gateway_turn_first_token_seconds_count{${WHO}}`)).toBe(5);
    expect(series.get('gateway_open_turns')).toBe(0);
    await gateway.close();
  });

  test('show what is open: a turn whose client has left, and no request', async () => {
    const asked = holdCalls(upstream);
    const leaving = new AbortController();
    const gone = chat(gateway, { message: 'hi' }, { signal: leaving.signal }).catch(() => 'gone');
    const call = await asked;
    leaving.abort();
    await gone;
    await gateway.logged('client gone');
    const series = await scrape(gateway);
    expect(series.get('gateway_open_turns')).toBe(1);
    expect(series.get('gateway_open_requests')).toBe(1);
    const left = `route="/c1/chat",method="POST",status="499",${WHO}`;
    expect(series.get(`gateway_requests_total{${left}}`)).toBe(1);
    await replySse(call, streamOf(['ok']));
    await gateway.logged('turn finished');
    await gateway.close();
  });

  test('name all that the manual lists, with its type and words', async () => {
    const text = await (await fetch(`${gateway.url}/metrics`)).text();
    for (const { name, type, help } of Object.values(METRICS)) {
      expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
    }
    for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes']) {
      expect(text).toMatch(new RegExp(`^${name} [\\d.e+]+$`, 'm'));
    }
    await gateway.close();
  });

  test('get no series from what clients make up', async () => {
    const madeUp = async (name: string) => {
      await gateway.request('/v1/chat/completions', { body: { ...body, model: name } });
      await chat(gateway, { model: name, message: 'hi' });
      await chat(gateway, { model: 'test-model', provider: name, message: 'hi' });
      await gateway.request(`/${name}`);
      await gateway.request(`/v1/models/${name}`);
      await gateway.request(`/c1/turns/${name}`);
      await fetch(`${gateway.url}/v1/${name}`, { method: name.toUpperCase() });
      await gateway.request('/c1/conversations', { method: name.toUpperCase() });
    };
    await madeUp('first');
    const before = [...(await scrape(gateway)).keys()];
    // Before it is finished, a request is in no series: the scrape itself is in the next one.
    for (let i = 0; i < 200; i++) await madeUp(`name${i}`);
    const after = [...(await scrape(gateway)).keys()];
    expect(after.filter((key) => !before.includes(key) && !key.includes('/metrics'))).toEqual([]);
    expect(after.filter((key) => /name\d|first"/.test(key))).toEqual([]);
    await gateway.close();
  });
});

describe('reading the metrics', () => {
  const statusFor = async (at: TestGateway, address: string | null, headers = {}) => {
    const fields = Object.entries({ host: 'gateway', ...headers });
    const head = parseHead(
      `GET /metrics HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}`).join('\r\n')}`,
    );
    const body = new RequestBody(head.framing, { goOn() {}, pause() {}, resume() {} });
    const request = new IncomingRequest(head, body, () => address ?? undefined);
    return (await at.gateway.answer(request)).status;
  };
  const token = { authorization: `Bearer ${TOKEN}` };

  test.each(['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'])(
    'needs no token on this machine: %s',
    async (address) => {
      expect(await statusFor(gateway, address)).toBe(200);
      await gateway.close();
    },
  );

  test.each([
    '192.168.1.7',
    '203.0.113.9',
    '2001:db8::1',
    '::ffff:10.0.0.1',
    '1127.0.0.1',
    '::1:1',
  ])('needs the token elsewhere: %s', async (address) => {
    expect(await statusFor(gateway, address)).toBe(401);
    expect(await statusFor(gateway, address, token)).toBe(200);
    for (const local of [{ 'x-forwarded-for': '127.0.0.1' }, { host: 'localhost' }]) {
      expect(await statusFor(gateway, address, local)).toBe(401);
    }
    await gateway.close();
  });

  test('needs the token where a proxy passes the request on, or the connection is gone', async () => {
    for (const name of ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via']) {
      expect(await statusFor(gateway, '127.0.0.1', { [name]: '127.0.0.1' })).toBe(401);
    }
    expect(await statusFor(gateway, null)).toBe(401);
    await gateway.close();
  });

  test.each([
    ['public', 200, 200],
    ['token', 401, 401],
  ])('with metrics.access: %s', async (access, here, elsewhere) => {
    const own = await startGateway(configFor(upstream, `metrics: { access: ${access} }`));
    expect(await statusFor(own, '127.0.0.1')).toBe(here);
    expect(await statusFor(own, '203.0.113.9')).toBe(elsewhere);
    expect(await statusFor(own, '203.0.113.9', token)).toBe(200);
    await own.close();
    await gateway.close();
  });
});
