// Traces never touch a request: with a collector that is down, silent, or answers with errors, replies are the same,
// and what is lost is counted.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'bun:test';
import { said } from './harness/c1.ts';
import { startFakeCollector, type FakeCollector } from './harness/fake-collector.ts';
import {
  configFor,
  replySse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { spawnGateway, startGateway, type TestGateway } from './harness/gateway.ts';

let upstream: FakeUpstream;
let collector: FakeCollector;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream((call) => replySse(call, streamOf(['ok'])));
});
beforeEach(async () => {
  collector = startFakeCollector();
  gateway = await startGateway(configFor(upstream, `traces: { endpoint: "${collector.url}" }`));
});
afterEach(async () => {
  await gateway.close();
  await collector.close();
});
afterAll(async () => {
  await upstream.close();
});

const body = { model: 'test-model', stream: true, messages: [{ role: 'user', content: 'hi' }] };
async function answered(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const response = await gateway.request('/v1/chat/completions', { body });
    expect(response.status).toBe(200);
    expect(await response.text()).toEndWith('data: [DONE]\n\n');
  }
}
async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.split(' ')[1] ?? 0,
  );
}

test('a collector that is down costs no request, and gets its spans when it is back', async () => {
  const port = Number(new URL(collector.url).port);
  await collector.close();
  await answered(3);
  expect((await said(gateway, { message: 'hi' })).choices[0].message.content).toBe('ok');
  await gateway.logged('the collector of traces does not take them');
  await answered(1);
  collector = startFakeCollector(port);
  await gateway.logged('traces are taken again');
  expect(collector.spans().filter(({ kind }) => kind === 2).length).toBeGreaterThanOrEqual(4);
  expect(await metric('gateway_dropped_spans_total{reason="queue_full"}')).toBe(0);
}, 20_000);

test('a collector that never answers costs no request, and the end of the gateway is held up only for seconds', async () => {
  const hanging = Promise.withResolvers<Response>();
  collector.answer = () => hanging.promise;
  await answered(2);
  await collector.asked(1);
  await answered(2);
  await gateway.gateway.close();
  hanging.resolve(new Response());
  const lost = await metric('gateway_dropped_spans_total{reason="shutdown"}');
  expect(lost).toBe(8);
}, 20_000);

test.each([400, 401, 404, 413, 500, 301])(
  'a collector that answers %d loses its batch, which is counted, and is told of once',
  async (status) => {
    collector.answer = () =>
      new Response('no'.repeat(100_000), { status, headers: { location: '/elsewhere' } });
    await answered(2);
    await gateway.logged('the collector of traces does not take them', `HTTP ${status}`);
    expect(collector.requests).toHaveLength(1);
    expect(await metric('gateway_dropped_spans_total{reason="refused"}')).toBe(4);
    expect(await metric('gateway_exported_spans_total')).toBe(0);
  },
  20_000,
);

test('a collector that is busy gets the same batch again', async () => {
  const answers = [503, 429, 502, 504].map(
    (status) => new Response(null, { status, headers: { 'retry-after': '0' } }),
  );
  collector.answer = () => answers.shift() ?? Response.json({});
  await answered(1);
  await gateway.logged('traces are taken again');
  expect(new Set(collector.bodies).size).toBe(1);
  expect(collector.bodies).toHaveLength(5);
  expect(await metric('gateway_exported_spans_total')).toBe(2);
}, 20_000);

test('a collector that wants only a part is believed', async () => {
  collector.answer = () =>
    Response.json({ partialSuccess: { rejectedSpans: '1', errorMessage: 'x' } });
  await answered(1);
  await collector.asked(1);
  while ((await metric('gateway_exported_spans_total')) === 0);
  expect(await metric('gateway_exported_spans_total')).toBe(1);
  expect(await metric('gateway_dropped_spans_total{reason="refused"}')).toBe(1);
});

test('the variables that OpenTelemetry names are understood, and a stopped process has sent all', async () => {
  const server = await spawnGateway({
    yaml: configFor(upstream),
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9/never-used/',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/custom/traces`,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc, x-tenant = a%3Db ',
      OTEL_SERVICE_NAME: 'my-gateway',
    },
  });
  await (await server.request('/v1/models')).text();
  expect(await server.kill('SIGTERM')).toBe(0);
  const [request] = collector.requests;
  expect(new URL(request?.url ?? '').pathname).toBe('/custom/traces');
  expect(request?.headers.get('authorization')).toBe('Bearer abc');
  expect(request?.headers.get('x-tenant')).toBe('a=b');
  expect(collector.bodies.join('')).toContain('"stringValue":"my-gateway"');
  expect(collector.spans().map(({ name }) => name)).toEqual(['GET /v1/models']);
  expect(server.stdout.text() + server.stderr.text()).not.toContain('Bearer abc');
}, 20_000);
