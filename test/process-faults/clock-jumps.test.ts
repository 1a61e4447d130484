// P4: the wall clock jumps by a day, forward and back, while requests run. Limits are kept on the monotonic clock, so
// nothing fires and nothing is given away, and ids stay in order.
import { afterAll, afterEach, beforeAll, expect, setSystemTime, test } from 'bun:test';
import { newId } from '../../src/domain/ids.ts';
import { chat, idsOf, said } from '../harness/c1.ts';
import {
  beginSse,
  chunk,
  configFor,
  replySse,
  sse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
  type UpstreamCall,
} from '../harness/fake-upstream.ts';
import { startGateway, type TestGateway } from '../harness/gateway.ts';
import { ask, askStream } from '../harness/v1.ts';

const DAY_MS = 86_400_000;
const JUMPS = [
  ['forward by a day', DAY_MS],
  ['back by a day', -DAY_MS],
] as const;

let upstream: FakeUpstream;
let gateway: TestGateway;
let limited: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream));
  limited = await startGateway(configFor(upstream, 'limits: { rate_per_second: 1, burst: 2 }'));
});
afterAll(async () => {
  await Promise.all([gateway.close(), limited.close()]);
  await upstream.close();
});
afterEach(() => {
  setSystemTime();
});

const jump = (ms: number) => setSystemTime(new Date(Date.now() + ms));

test.each(JUMPS)(
  'P4: a clock that jumps %s ends no stream and no turn, and fires no limit',
  async (_, ms) => {
    const calls: UpstreamCall[] = [];
    upstream.script = async (call) => {
      await beginSse(call);
      await call.send(sse(chunk({ content: 'One' })));
      calls.push(call);
    };
    const streams = await Promise.all([
      askStream(gateway),
      chat(gateway, { message: 'hi', stream: true }),
    ]);
    jump(ms);
    // Every limit is looked at twice in this time.
    await Bun.sleep(120);
    expect(gateway.gateway.openWork()).toBeGreaterThanOrEqual(2);
    for (const call of calls) {
      await call.send(sse(chunk({ content: ' two' }, 'stop')) + sse('[DONE]'));
      call.end();
    }
    for (const response of streams) expect(await response.text()).toEndWith('data: [DONE]\n\n');
  },
);

test.each(JUMPS)(
  'P4: a clock that jumps %s gives nobody a budget, and takes none',
  async (_, ms) => {
    upstream.script = (call) => replySse(call, streamOf(['ok']));
    const request = async () => (await ask(limited, { model: 'none' })).headers;
    let left = '1';
    while (left !== '0') left = (await request()).get('x-ratelimit-remaining-requests') ?? '';
    jump(ms);
    const refused = await request();
    expect(refused.get('x-ratelimit-remaining-requests')).toBe('0');
    expect(Number(refused.get('retry-after-ms') ?? 1)).toBeWithin(1, 1_001);
  },
);

test.each(JUMPS)(
  'P4: a clock that jumps %s makes ids that are unique and in order',
  async (_, ms) => {
    const ids = Array.from({ length: 5_000 }, () => newId('turn'));
    jump(ms);
    for (let n = 0; n < 5_000; n++) ids.push(newId('turn'));
    setSystemTime();
    for (let n = 0; n < 5_000; n++) ids.push(newId('turn'));
    expect(ids).toEqual([...new Set(ids)].toSorted());
  },
);

test('P4: a conversation goes on over a clock that was set back, in the order of its turns', async () => {
  upstream.script = (call) => replySse(call, streamOf(['ok']));
  const first = await chat(gateway, { message: 'one', stream: true });
  await first.text();
  const { id } = idsOf(first);
  jump(-DAY_MS);
  await said(gateway, { conversation_id: id, message: 'two' });
  setSystemTime();
  await said(gateway, { conversation_id: id, message: 'three' });
  const kept = await gateway.request(`/c1/conversations/${id}`);
  const { messages } = (await kept.json()) as { messages: { role: string; content: string }[] };
  const questions = messages.filter(({ role }) => role === 'user').map(({ content }) => content);
  expect(questions).toEqual(['one', 'two', 'three']);
});
