// The client on a bad network: nothing of an answer is missing, nothing comes twice, and no model is asked twice.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { ChatError, createChatClient, type ChatClientOptions } from '../client/index.ts';
import { beginSse, configFor, sse, startFakeUpstream, streamOf } from './harness/fake-upstream.ts';
import type { FakeUpstream, UpstreamCall } from './harness/fake-upstream.ts';
import { startCuttingProxy, type CuttingProxy } from './harness/cutting-proxy.ts';
import { startGateway, TOKEN, type TestGateway } from './harness/gateway.ts';

const WORDS: readonly [string, string, string, ...string[]] = [
  'Rain ',
  'on ',
  'the ',
  'röof, ',
  '雨, ',
  '🌧️ ',
  'and ',
  'a\n\n',
  'data: cat.',
];
const WHOLE = WORDS.join('');
const model = 'test-model';

let upstream: FakeUpstream;
let gateway: TestGateway;
let proxy: CuttingProxy;
beforeAll(async () => {
  upstream = await startFakeUpstream(answerWordByWord);
  gateway = await startGateway(configFor(upstream));
  proxy = await startCuttingProxy(gateway.url);
});
afterAll(async () => {
  await proxy.close();
  await gateway.close();
  await upstream.close();
});

/** Slowly enough that the gateway sends each word by itself. */
async function answerWordByWord(call: UpstreamCall): Promise<void> {
  await beginSse(call);
  for (const event of streamOf(WORDS)) {
    await call.send(sse(event));
    await Bun.sleep(1);
  }
  call.end();
}

/** One request for each connection, so that each cut hits one; and no waiting. */
function impatient(options: Partial<ChatClientOptions> = {}) {
  return createChatClient({
    baseUrl: proxy.url,
    token: TOKEN,
    fetch(url, init) {
      const headers = new Headers(init.headers);
      headers.set('connection', 'close');
      return fetch(url, { ...init, headers });
    },
    ...options,
  });
}

describe('a connection that is cut', () => {
  test('before the reply’s headers costs a second request, but no second answer', async () => {
    const asked = upstream.calls.length;
    const connections = proxy.connections();
    proxy.cuts = [0];
    const turn = impatient().send({ model, message: 'rain' });
    let text = '';
    for await (const piece of turn) text += piece;
    expect(text).toBe(WHOLE);
    expect(proxy.connections() - connections).toBe(2);
    expect(upstream.calls.length).toBe(asked + 1);
  });

  test('anywhere, any number of times, leaves no gap and repeats nothing', async () => {
    const cuts = fc.array(fc.nat(2_600), { minLength: 1, maxLength: 3 });
    const severalAtOnce = fc.array(cuts, { minLength: 4, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(severalAtOnce, async (runs) => {
        const asked = upstream.calls.length;
        await Promise.all(runs.map(hearTheWholeAnswer));
        expect(upstream.calls.length).toBe(asked + runs.length);
      }),
      { numRuns: 8 },
    );
  }, 30_000);

  async function hearTheWholeAnswer(cuts: number[]): Promise<void> {
    const bad = await startCuttingProxy(gateway.url);
    bad.cuts = cuts;
    const turn = impatient({ baseUrl: bad.url }).send({ model, message: 'rain' });
    let text = '';
    for await (const piece of turn) text += piece;
    await bad.close();
    expect(text).toBe(WHOLE);
    expect(turn.finishReason).toBe('stop');
  }

  test('for good ends the turn with network_error, and all that was shown', async () => {
    const turn = impatient({ reconnectMs: 500 }).send({ model, message: 'rain' });
    let text = '';
    const thrown: unknown = await (async () => {
      for await (const piece of turn) {
        text += piece;
        if (!text.endsWith(WORDS[2])) continue;
        proxy.cuts = Array.from({ length: 20 }, () => 0);
        proxy.cutNow();
      }
    })().catch((error: unknown) => error);
    proxy.cuts = [];
    expect(thrown).toBeInstanceOf(ChatError);
    expect(thrown).toMatchObject({ code: 'network_error', retryable: true, status: null, text });
    expect(WHOLE).toStartWith(text);
    expect(text).not.toBe('');
  });
});

test('a gateway that is not there is given up after reconnectMs', async () => {
  const nobody = await startCuttingProxy(gateway.url);
  await nobody.close();
  const client = createChatClient({ baseUrl: nobody.url, token: TOKEN, reconnectMs: 400 });
  const thrown: unknown = await (async () => {
    for await (const _ of client.send({ model, message: 'x' })) throw new Error('who was that?');
  })().catch((error: unknown) => error);
  expect(thrown).toMatchObject({ name: 'ChatError', code: 'network_error', text: '' });
});

const CHUNK = (content: string) => JSON.stringify({ choices: [{ index: 0, delta: { content } }] });
const HEADERS = { 'content-type': 'text/event-stream', 'x-turn-id': 'turn_1' };
const stream = (body: string, headers: Record<string, string> = HEADERS) =>
  new Response(body, { headers });

/** A client whose every request is answered by the next of these. */
function scripted(replies: (Response | Error)[], options: Partial<ChatClientOptions> = {}) {
  const asked: { path: string; lastEvent: string | null; at: number }[] = [];
  const client = createChatClient({
    baseUrl: '',
    token: 't',
    async fetch(path, { headers }) {
      const lastEvent = new Headers(headers).get('last-event-id');
      asked.push({ path, lastEvent, at: performance.now() });
      const reply = replies.shift() ?? new Error('nothing more is scripted');
      if (reply instanceof Error) throw reply;
      return reply;
    },
    ...options,
  });
  async function run() {
    const turn = client.send({ model, message: 'x', user_id: 'a&b' });
    const pieces: string[] = [];
    try {
      for await (const piece of turn) pieces.push(piece);
      return { pieces, error: null, turn };
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      return { pieces, error, turn };
    }
  }
  return { run, asked };
}

describe('a stream', () => {
  test.each(['\n', '\r\n', '\r'])('is read with %j as its line end, cut anywhere', async (end) => {
    const text = `\uFEFF: ping\n\nid: turn_1.0\ndata: ${CHUNK('å\\n')}\n\nevent: message\ndata:${CHUNK('b')}\n\ndata: [DONE]\n\n`;
    const bytes = new TextEncoder().encode(text.replaceAll('\n', end));
    for (let size = 1; size < 9; size++) {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          for (let at = 0; at < bytes.length; at += size)
            controller.enqueue(bytes.slice(at, at + size));
          controller.close();
        },
      });
      const { pieces, turn } = await scripted([new Response(body, { headers: HEADERS })]).run();
      expect(pieces).toEqual(['å\\n', 'b']);
      expect(turn.id).toBe('turn_1');
    }
  });

  test('is resumed as the user it is for, after the last whole event', async () => {
    const event = (seq: number, data: string) => `id: turn_1.${seq}\ndata: ${data}\n\n`;
    const { run, asked } = scripted([
      stream(event(0, CHUNK('a')) + event(1, CHUNK('b')).slice(0, -1), {}),
      stream(event(1, CHUNK('b')) + 'data: [DONE]\n\n'),
    ]);
    expect((await run()).pieces).toEqual(['a', 'b']);
    expect(asked[1]).toMatchObject({
      path: '/c1/turns/turn_1/events?user_id=a%26b',
      lastEvent: 'turn_1.0',
    });
  });

  test('that goes on with a snapshot yields what is missing', async () => {
    const snapshot = `event: snapshot\nid: turn_1.9007199254740991\ndata: ${CHUNK('one two')}\n\ndata: [DONE]\n\n`;
    const lost = () => stream(`id: turn_1.0\ndata: ${CHUNK('one')}\n\n`);
    expect((await scripted([lost(), stream(snapshot)]).run()).pieces).toEqual(['one', ' two']);
    const other = snapshot.replace('one two', 'two one');
    const { error, pieces } = await scripted([lost(), stream(other)]).run();
    expect(pieces).toEqual(['one']);
    expect(error).toMatchObject({ code: 'answer_changed', text: 'one', retryable: false });
  });

  test('tells its own trouble from the turn’s: only the turn’s has an id', async () => {
    const stops = JSON.stringify({
      error: { code: 'shutting_down', message: 'm', retryable: true },
    });
    const { run } = scripted([
      stream(`id: turn_1.0\ndata: ${CHUNK('a')}\n\ndata: ${stops}\n\n`),
      stream(`id: turn_1.1\ndata: ${stops}\n\n`),
    ]);
    expect((await run()).error).toMatchObject({ code: 'shutting_down', text: 'a', status: null });
  });

  test('that falls silent counts as lost', async () => {
    const silent = new Response(new ReadableStream<Uint8Array>(), { headers: HEADERS });
    const replies = [silent, stream(`data: ${CHUNK('a')}\n\ndata: [DONE]\n\n`)];
    expect((await scripted(replies, { silenceMs: 50 }).run()).pieces).toEqual(['a']);
  });

  test('is not lost because its reader takes long', async () => {
    const { run } = scripted(
      [stream(`data: ${CHUNK('a')}\n\ndata: ${CHUNK('b')}\n\ndata: [DONE]\n\n`)],
      {
        silenceMs: 20,
      },
    );
    expect((await run()).pieces).toEqual(['a', 'b']);
  });
});

describe('a reply', () => {
  test.each([
    ['a proxy’s page', new Response('<html>', { status: 502 })],
    [
      'too many requests',
      Response.json(
        { error: { code: 'rate_limit_exceeded', message: 'm', retryable: true } },
        { status: 429, headers: { 'retry-after-ms': '350' } },
      ),
    ],
  ])('that is %s is asked for again', async (_, reply) => {
    const ok = stream(`data: ${CHUNK('a')}\n\ndata: [DONE]\n\n`);
    const { run, asked } = scripted([reply, ok]);
    expect((await run()).pieces).toEqual(['a']);
    const [first, second] = asked;
    const waited = (second?.at ?? 0) - (first?.at ?? 0);
    expect(waited).toBeGreaterThanOrEqual(Number(reply.headers.get('retry-after-ms') ?? 95) - 5);
  });

  test('that asks for more patience than there is ends the turn at once', async () => {
    const body = { error: { code: 'storage_unavailable', message: 'm', retryable: true } };
    const reply = Response.json(body, { status: 503, headers: { 'retry-after': '30' } });
    const { error } = await scripted([reply], { reconnectMs: 1_000 }).run();
    expect(error).toMatchObject({ code: 'storage_unavailable', status: 503 });
  });

  test('of something that is no gateway is a network_error', async () => {
    const { error } = await scripted([new Response('<html>', { status: 404 })]).run();
    expect(error).toMatchObject({ code: 'network_error', status: 404, retryable: false });
  });
});
