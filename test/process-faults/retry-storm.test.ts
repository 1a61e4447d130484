// P9: when an upstream fails everybody, the gateway must not keep it down: of all that it is asked, retries are a
// tenth, but for a few. (That its circuit is tried once a second is a test of routing/circuit-breaker.)
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { RETRY_BUDGET_PER_REQUEST, RETRY_BUDGET_SIZE } from '../../src/domain/limits.ts';
import {
  configFor,
  replyJson,
  startFakeUpstream,
  type FakeUpstream,
} from '../harness/fake-upstream.ts';
import { startGateway, type TestGateway } from '../harness/gateway.ts';
import { ask } from '../harness/v1.ts';

/** Fewer than Bun's fetch runs at once in a test. */
const REQUESTS = 200;

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream((call) => replyJson(call, '{}', { status: 503 }));
  gateway = await startGateway(configFor(upstream, 'routing: { retries: 5, retry_wait_ms: 2 }'));
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

test('P9: an upstream that fails every request is asked little more than once for each', async () => {
  const replies = await Promise.all(Array.from({ length: REQUESTS }, () => ask(gateway)));
  for (const reply of replies) {
    expect(reply.status).toBe(503);
    expect(reply.headers.get('retry-after')).toBe('1');
    await reply.text();
  }
  const most = REQUESTS + RETRY_BUDGET_SIZE + REQUESTS * RETRY_BUDGET_PER_REQUEST;
  expect(upstream.calls.length).toBeWithin(REQUESTS + 1, most + 1);
});
