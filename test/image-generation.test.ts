// Pictures by way of chat, under the aliases of the default catalogue: whole however large, streamed or not, on both
// APIs, to be changed in the next turn, from the second target where the first fails, and after a long silence.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { chat, framesOf, holdCalls, readUntil, said, sentMember } from './harness/c1.ts';
import {
  beginSse,
  chunk,
  completion,
  replyJson,
  replySse,
  sse,
  startFakeUpstream,
  type FakeUpstream,
  type UpstreamCall,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';
import { ask } from './harness/v1.ts';

let google: FakeUpstream;
let resold: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  [google, resold] = [await startFakeUpstream(), await startFakeUpstream()];
  gateway = await start();
});

function start(): Promise<TestGateway> {
  return startGateway(`
upstreams:
  gemini: { kind: gemini, base_url: "${google.url.replace(/v1$/, 'v1beta')}", api_key: k }
  openrouter: { kind: openrouter, base_url: "${resold.url}", api_key: k }
streams: { heartbeat_ms: 50 }
routing: { retries: 0 }
`);
}

beforeEach(() => {
  for (const { calls } of [google, resold]) calls.length = 0;
  google.script = (call) => replyJson(call, geminiReply);
  resold.script = draws;
});
afterAll(async () => {
  await gateway.close();
  await Promise.all([google.close(), resold.close()]);
});

/** Bytes that no compression and no accident gives back: each is told from its neighbours. */
function pictureOf(bytes: number): string {
  const data = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 4)
    data.writeUInt32LE(Math.imul(at + 1, 2_654_435_761) >>> 0, at);
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), data]).toString('base64');
}

const SMALL = pictureOf(64);
const LARGE = pictureOf(3 * 1024 * 1024);
const part = (data: string, index: number) => ({
  type: 'image_url',
  image_url: { url: `data:image/png;base64,${data}` },
  index,
});
const images = [part(SMALL, 0), part(LARGE, 1)];
const urls = images.map(({ image_url }) => image_url.url);

const geminiReply = {
  candidates: [
    {
      content: {
        role: 'model',
        parts: [SMALL, LARGE].map((data) => ({ inlineData: { mimeType: 'image/png', data } })),
      },
      finishReason: 'STOP',
    },
  ],
};

const asksForStream = ({ body }: UpstreamCall) => body.includes('"stream":true');

/** A drawing as OpenRouter sends it: in a stream, all of it in one event. */
function draws(call: UpstreamCall): Promise<void> {
  if (asksForStream(call)) return replySse(call, drawnEvents);
  const message = { role: 'assistant', content: '', images };
  return replyJson(
    call,
    completion('', { choices: [{ index: 0, message, finish_reason: 'stop' }] }),
  );
}

const drawnEvents = [
  chunk({ role: 'assistant', content: '', images }),
  chunk({}, 'stop'),
  '[DONE]',
] as const;

const fails = (call: UpstreamCall) =>
  replyJson(call, { error: { code: 503, message: 'no capacity' } }, { status: 503 });

interface Shown {
  readonly images?: readonly { readonly image_url: { readonly url: string } }[];
}

/** The data URIs of a reply in either form. */
function urlsIn(text: string): string[] {
  const bodies = text.startsWith('{')
    ? [text]
    : framesOf(text).flatMap(({ data }) => (data.startsWith('{') ? [data] : []));
  return bodies
    .map((body) => JSON.parse(body) as { choices: { message?: Shown; delta?: Shown }[] })
    .flatMap(({ choices }) =>
      choices.flatMap(({ message, delta }) => (message ?? delta)?.images ?? []),
    )
    .map(({ image_url }) => image_url.url);
}

interface Wanted {
  readonly model: string;
  readonly stream: boolean;
}

const APIS = {
  '/v1': (wanted: Wanted, at = gateway) => ask(at, wanted),
  '/c1': (wanted: Wanted, at = gateway) => chat(at, { ...wanted, message: 'draw' }),
} as const;

const FORMS = (['/v1', '/c1'] as const).flatMap((api) =>
  [true, false].map((stream) => [api, stream ? 'streamed' : 'in one piece', stream] as const),
);

describe.each(FORMS)('on %s, %s', (api, _, stream) => {
  const draw = (model: string, at = gateway) => APIS[api]({ model, stream }, at);

  test.each([
    ['nano-banana', 'gemini'],
    ['gpt-image', 'openrouter'],
    ['image-gen', 'gemini'],
  ])('%s gives its pictures whole, one of 3 MB among them', async (model, upstream) => {
    if (stream && upstream === 'gemini') google.script = (call) => replySse(call, [geminiReply]);
    const response = await draw(model);
    expect(response.headers.get('x-gateway-upstream')).toBe(upstream);
    const drawn = urlsIn(await response.text());
    // Not toEqual: nobody wants to read the difference of two of them.
    expect(drawn.map((url) => urls.indexOf(url))).toEqual([0, 1]);
  });

  test('image-gen goes on to the next target, and the next model, until one draws', async () => {
    google.script = fails;
    resold.script = (call) => (call.body.includes('google/') ? fails(call) : draws(call));
    // Its own gateway: after so many failures the circuit to the first target would be open.
    const other = await start();
    const response = await draw('image-gen', other);
    const drawn = urlsIn(await response.text());
    await other.close();
    expect(drawn.map((url) => urls.indexOf(url))).toEqual([0, 1]);
    expect(response.headers.get('x-gateway-upstream')).toBe('openrouter');
    expect(response.headers.get('x-gateway-attempts')).toBe('3');
    expect(resold.calls.map(({ body }) => JSON.parse(body) as object)).toMatchObject([
      { model: 'google/gemini-3.1-flash-image-preview', modalities: ['image', 'text'] },
      { model: 'openai/gpt-5.4-image-2', modalities: ['image', 'text'] },
    ]);
  });
});

test.each([true, false])(
  'the next turn shows the model its own picture again, byte for byte (stream: %p)',
  async (stream) => {
    const drawn = await chat(gateway, { model: 'gpt-image', message: 'draw a cat', stream });
    const conversation_id = drawn.headers.get('x-conversation-id') ?? '';
    await drawn.text();
    await said(gateway, { model: 'gpt-image', conversation_id, message: 'make it blue' });
    await said(gateway, { model: 'gpt-image', conversation_id, message: 'and bigger' });
    const sent = resold.calls.map((call) => sentMember(call, 'messages') ?? '');
    const [, second = '', third = ''] = sent;
    const [, answer] = JSON.parse(second) as Shown[];
    expect(answer?.images?.map(({ image_url }) => urls.indexOf(image_url.url))).toEqual([0, 1]);
    expect(third.startsWith(second.slice(0, -1))).toBe(true);
  },
);

test.each(['/v1', '/c1'] as const)(
  'a stream on %s has pings for as long as nothing is drawn, and then the picture',
  async (api) => {
    const asked = holdCalls(resold);
    const response = await APIS[api]({ model: 'gpt-image', stream: true });
    const reader = response.body?.getReader();
    if (!reader) throw new Error('no body');
    const silence = await readUntil(reader, ': ping\n\n: ping\n\n: ping\n\n');
    expect(silence).not.toContain('data:');
    expect(response.headers.get('server-timing')).toContain('queue;');
    // It has not said a byte yet, and so nobody knows when it does.
    expect(response.headers.get('server-timing')).not.toContain('upstream;');
    const call = await asked;
    await beginSse(call);
    for (const event of drawnEvents) await call.send(sse(event));
    call.end();
    const rest = await readUntil(reader, '[DONE]');
    await gateway.logged(response.headers.get('x-request-id') ?? 'none', '"ttfb_ms":');
    expect(urlsIn(rest).map((url) => urls.indexOf(url))).toEqual([0, 1]);
  },
);
