// What upstreams do that is unusual and yet no fault: the client gets a plain stream all the same.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import {
  beginSse,
  chunk,
  completion,
  configFor,
  replyJson,
  replySse,
  sse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';
import { fixture } from './harness/replay.ts';
import { ask, askStream, errorIn, eventsIn } from './harness/v1.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream));
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const HELLO = chunk({ role: 'assistant', content: 'Hello' });

const streamed = async (bytes: string | Buffer) => {
  upstream.script = async (call) => {
    await beginSse(call);
    await call.send(bytes);
    call.end();
  };
  const response = await askStream(gateway);
  return eventsIn(await response.text());
};

test('comments pass, and every freedom of the format is read and written plainly', async () => {
  const events = await streamed(fixture('sse-line-ends'));
  expect(events).toEqual([
    ': hello',
    '{"choices":[{"index":0,"delta":{"role":"assistant", "content":"Zeile"}}]}',
    '{"choices":[{"index":0,"delta":{"content":"ü😀"}}]}',
    ': half',
    ': way',
    '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}',
    '[DONE]',
  ]);
});

test('JSON where a stream was asked for becomes one: role, content, finish reason, and usage if asked for', async () => {
  upstream.script = (call) => replyJson(call, completion('whole', { system_fingerprint: 'fp' }));
  const events = eventsIn(await (await askStream(gateway)).text());
  expect(events).toHaveLength(2);
  expect(JSON.parse(events[0] ?? '')).toMatchObject({
    object: 'chat.completion.chunk',
    model: 'test-model',
    system_fingerprint: 'fp',
    choices: [{ index: 0, delta: { role: 'assistant', content: 'whole' }, finish_reason: 'stop' }],
  });
  const asked = await askStream(gateway, { stream_options: { include_usage: true } });
  const withUsage = eventsIn(await asked.text());
  expect(JSON.parse(withUsage[1] ?? '')).toMatchObject({
    choices: [],
    usage: { total_tokens: 10 },
  });
  expect(withUsage[2]).toBe('[DONE]');
});

test('a stream where JSON was asked for becomes a whole reply, and an unfinished one an error', async () => {
  upstream.script = (call) =>
    replySse(call, [...streamOf(['Hel', 'lo']).slice(0, -1), chunk({ content: '!' }, 'length')]);
  const reply = await ask(gateway);
  expect(reply.headers.get('content-type')).toContain('application/json');
  expect(await reply.json()).toMatchObject({
    object: 'chat.completion',
    model: 'test-model',
    choices: [{ message: { role: 'assistant', content: 'Hello!' }, finish_reason: 'stop' }],
    usage: { total_tokens: 9 },
  });
  upstream.script = (call) => replySse(call, [HELLO]);
  const broken = await ask(gateway);
  expect(broken.status).toBe(502);
  expect(errorIn(await broken.text()).code).toBe('upstream_interrupted');
});

test('a second finish, text after it, interleaved choices and a second usage pass as they came', async () => {
  const sent = [
    HELLO,
    chunk({}, 'stop'),
    chunk({ content: ' late' }),
    chunk({}, 'length'),
    {
      ...chunk({}),
      choices: [],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    },
    {
      ...chunk({}),
      choices: [],
      usage: { prompt_tokens: 9, completion_tokens: 9, total_tokens: 18 },
    },
  ];
  upstream.script = (call) => replySse(call, [...sent, '[DONE]']);
  const response = await askStream(
    gateway,
    { stream_options: { include_usage: true } },
    {
      headers: { 'x-request-id': 'usage-twice' },
    },
  );
  const expected = sent.map((event) => JSON.stringify(event).replace('fake-model', 'test-model'));
  expect(eventsIn(await response.text())).toEqual([...expected, '[DONE]']);
  await gateway.logged('"request_id":"usage-twice"', '"prompt_tokens":9');
  const events = await streamed(fixture('openai-two-choices'));
  expect(events.filter((event) => event.includes('"index":1'))).toHaveLength(4);
  expect(events.at(-1)).toBe('[DONE]');
});

test('a connection that stays open after [DONE] keeps nobody waiting, and closes', async () => {
  let closed: Promise<void> | undefined;
  upstream.script = async (call) => {
    ({ closed } = call);
    await beginSse(call);
    for (const event of streamOf(['a'])) await call.send(sse(event));
  };
  expect(eventsIn(await (await askStream(gateway)).text()).at(-1)).toBe('[DONE]');
  await closed;
});

// Passes once routing/open hands the number of choices to the provider.
test('a stream that ends between two choices is not taken for a whole one', async () => {
  upstream.script = async (call) => {
    await beginSse(call);
    await call.send(sse(HELLO) + sse(chunk({}, 'stop')));
    call.end();
  };
  const events = eventsIn(await (await askStream(gateway, { n: 2 })).text());
  expect(events.at(-1)).toContain('"code":"upstream_interrupted"');
});
