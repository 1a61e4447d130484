// /v1 is a wire with a name plate: what goes out and what comes back is what was sent, byte for byte, but for what
// the contract changes.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import {
  beginSse,
  chunk,
  completion,
  replyJson,
  replySse,
  sse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';
import { fixture } from './harness/replay.ts';
import { ask, askStream, configWith, eventsIn, USER } from './harness/v1.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(
    configWith(upstream, {
      model: 'min_max_tokens: 200,',
      upstream: 'headers: { x-title: The Gateway }',
    }),
  );
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const lastCall = () => upstream.calls.at(-1);

describe('a request', () => {
  test('arrives with unknown fields, order, spacing, large integers and escapes as they were, but for the model', async () => {
    const body = (model: string) =>
      `{ "seed" : 12345678901234567890, "x_unknown":{"b":1,\t"a":[1.0, 1e400,-0, "\\u00fc\\ud83d"]},\r\n` +
      ` "messages":[ {"content":"ü 😀 \\/ \\"model\\":\\"x\\"","role":"user"} ] ,"model" :"${model}","temperature":0.70,` +
      ` "stop":null, "__proto__": {"polluted":true}, "top_k":40 } `;
    upstream.script = (call) => replyJson(call, completion('ok'));
    const response = await ask(gateway, body('test-model'));
    expect(response.status).toBe(200);
    expect(lastCall()?.body).toBe(body('fake-model'));
    expect(lastCall()?.path).toBe('/v1/chat/completions');
  });

  test('whose stream asks for no usage goes out asking for it, with its other stream options kept', async () => {
    const sent: [string, string][] = [
      ['"stream":true', '"stream":true,"stream_options":{"include_usage":true}'],
      [
        '"stream":true,"stream_options":null',
        '"stream":true,"stream_options":{"include_usage":true}',
      ],
      [
        '"stream_options":{ "x":1.0 , "include_usage":false},"stream":true',
        '"stream_options":{ "x":1.0 , "include_usage":true},"stream":true',
      ],
      [
        '"stream_options": {"include_obfuscation":false},"stream":true',
        '"stream_options": {"include_obfuscation":false,"include_usage":true},"stream":true',
      ],
      [
        '"stream_options": { "include_usage" : true },"stream":true',
        '"stream_options": { "include_usage" : true },"stream":true',
      ],
    ];
    upstream.script = (call) => replySse(call, streamOf(['a']));
    const body = (model: string, rest: string) =>
      `{"model":"${model}","messages":[${JSON.stringify(USER)}],${rest}}`;
    for (const [asked, arrived] of sent) {
      await (await ask(gateway, body('test-model', asked))).text();
      expect(lastCall()?.body).toBe(body('fake-model', arrived));
    }
  });

  test('with a token limit below the floor goes out with the floor, and the reply says so', async () => {
    upstream.script = (call) => replyJson(call, completion('ok'));
    const body = (model: string, limits: string) =>
      `{"model":"${model}",${limits},"messages":[${JSON.stringify(USER)}]}`;
    const limits: [string, string, string | null][] = [
      ['"max_tokens": 1', '"max_tokens": 200', 'max_tokens_floored=200'],
      ['"max_completion_tokens":199', '"max_completion_tokens":200', 'max_tokens_floored=200'],
      [
        '"max_tokens":5,"max_completion_tokens":300',
        '"max_tokens":200,"max_completion_tokens":300',
        'max_tokens_floored=200',
      ],
      ['"max_tokens":200', '"max_tokens":200', null],
      ['"max_tokens":null', '"max_tokens":null', null],
    ];
    for (const [asked, arrived, applied] of limits) {
      const response = await ask(gateway, body('test-model', asked));
      expect(response.headers.get('x-gateway-applied')).toBe(applied);
      expect(lastCall()?.body).toBe(body('fake-model', arrived));
    }
  });

  test('takes only listed headers along: our key, not the client’s credentials, cookies or anything else', async () => {
    upstream.script = (call) => replyJson(call, completion('ok'));
    await ask(
      gateway,
      {},
      {
        headers: {
          'x-request-id': 'my-own-id',
          cookie: 'session=secret',
          'x-forwarded-for': '10.0.0.1',
          'user-agent': 'someone/1',
          'openai-organization': 'org-1',
          'x-stainless-lang': 'js',
          'accept-language': 'de',
          accept: 'text/html',
        },
      },
    );
    const { host, connection, ...headers } = Object.fromEntries(lastCall()?.headers ?? []);
    expect(host).toBe(new URL(upstream.url).host);
    expect(connection).toBe('keep-alive');
    expect(headers).toEqual({
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(lastCall()?.body ?? '')),
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': 'dgx-chat-gateway',
      'x-request-id': 'my-own-id',
      'x-title': 'The Gateway',
      authorization: 'Bearer upstream-secret-key',
    });
  });

  test('without an id of its own is known upstream by ours, as the UUID that some servers insist on', async () => {
    upstream.script = (call) => replyJson(call, completion('ok'));
    const reply = await ask(gateway);
    const sent = lastCall()?.headers.get('x-request-id') ?? '';
    expect(sent).toMatch(/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/);
    expect(reply.headers.get('x-request-id')).toBe(`req_${sent.replaceAll('-', '')}`);
  });

  test('that authenticates with x-api-key does not hand that key on', async () => {
    upstream.script = (call) => replyJson(call, completion('ok'));
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'x-api-key': 'test-token-3f9c', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'test-model', messages: [USER] }),
    });
    expect(response.status).toBe(200);
    expect(lastCall()?.headers.get('x-api-key')).toBeUndefined();
    expect([...(lastCall()?.headers.values() ?? [])].join(' ')).not.toContain('test-token');
  });

  test('is streamed or not by its stream field, whatever it accepts', async () => {
    upstream.script = (call) =>
      call.body.includes('"stream":true')
        ? replySse(call, streamOf(['a']))
        : replyJson(call, completion('ok'));
    const plain = await ask(gateway, {}, { headers: { accept: 'text/event-stream' } });
    expect(plain.headers.get('content-type')).toBe('application/json');
    await plain.text();
    const streamed = await askStream(gateway, {}, { headers: { accept: 'application/json' } });
    expect(streamed.headers.get('content-type')).toBe('text/event-stream');
    expect(streamed.headers.get('cache-control')).toBe('no-cache, no-transform');
    expect(streamed.headers.get('x-accel-buffering')).toBe('no');
    await streamed.text();
  });
});

describe('a reply', () => {
  const EXTRAS =
    '"reasoning":"Hm","reasoning_details":[{"type":"reasoning.text","text":"Hm"}],' +
    '"extra_content":{"google":{"thought_signature":"a+b/c=="}},"images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]';

  test('in one piece comes back with every byte but the model’s name', async () => {
    const reply = (model: string) =>
      `{ "id":"x", "model" : "${model}", "seed":12345678901234567890, "choices":[ {"index":0,"finish_reason":"stop",` +
      `"message":{"role":"assistant","content":"\\u00fc \\"model\\": 1.0",${EXTRAS}}} ],"usage":{"prompt_tokens":1,` +
      `"completion_tokens":2,"total_tokens":3,"cost":0.10},"timings":{"cache_n":20,"prompt_ms":1.50}\n}\n`;
    upstream.script = (call) => replyJson(call, reply('fake-model'));
    expect(await (await ask(gateway)).text()).toBe(reply('test-model'));
  });

  test('without a model’s name, or with the alias as its name, comes back as it is', async () => {
    for (const model of ['', '"model":"test-model" ,']) {
      const reply = `{${model}"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}`;
      upstream.script = (call) => replyJson(call, reply);
      expect(await (await ask(gateway)).text()).toBe(reply);
    }
  });

  test('as a stream comes back with every byte of each chunk but the model’s name and the usage nobody asked for', async () => {
    const piece = (model: string, rest = '') =>
      `{"id":"x", "model":"${model}","choices":[{"index":0 ,"delta":{"role":"assistant","content":"\\u00fc",${EXTRAS}}}],"timings":{"cache_n":2.0}${rest}}`;
    const finish = (usage = '') =>
      `{"choices":[{"index":0,"delta":{},"finish_reason":"stop","stop_reason":null}]${usage},"provider":"p"}`;
    const usage = `{"model":"fake-model","choices":[],"usage":{"prompt_tokens":7,"cost":0.10}}`;
    upstream.script = (call) =>
      replySse(call, [
        piece('fake-model'),
        piece('fake-model', ',"usage":null'),
        finish(',"usage":{"prompt_tokens":7}'),
        usage,
        '[DONE]',
      ]);
    expect(eventsIn(await (await askStream(gateway)).text())).toEqual([
      piece('test-model'),
      piece('test-model'),
      finish(),
      '[DONE]',
    ]);
    const withUsage = await askStream(gateway, { stream_options: { include_usage: true } });
    expect(eventsIn(await withUsage.text())).toEqual([
      piece('test-model'),
      piece('test-model', ',"usage":null'),
      finish(',"usage":{"prompt_tokens":7}'),
      usage.replace('fake-model', 'test-model'),
      '[DONE]',
    ]);
  });

  test('reports the usage in the log although the client did not ask for it', async () => {
    upstream.script = (call) => replySse(call, streamOf(['a', 'b']));
    const response = await askStream(gateway, {}, { headers: { 'x-request-id': 'usage-1' } });
    expect(await response.text()).not.toContain('usage');
    await gateway.logged('"request_id":"usage-1"', '"prompt_tokens":7', '"completion_tokens":2');
  });

  test('says which request it was, who answered, at which attempt and in what time', async () => {
    upstream.script = (call) => replyJson(call, completion('ok'));
    const plain = await ask(gateway, {}, { headers: { 'x-request-id': 'mine-7' } });
    expect(plain.headers.get('x-request-id')).toBe('mine-7');
    expect(plain.headers.get('x-gateway-upstream')).toBe('fake');
    expect(plain.headers.get('x-gateway-attempts')).toBe('1');
    expect(plain.headers.get('server-timing')).toMatch(
      /^queue;dur=\d+\.\d, upstream;dur=\d+\.\d, total;dur=\d+\.\d$/,
    );
    upstream.script = (call) => replySse(call, streamOf(['a']));
    const streamed = await askStream(gateway);
    expect(streamed.headers.get('x-request-id')).toMatch(/^req_/);
    expect(streamed.headers.get('server-timing')).toMatch(
      /^queue;dur=\d+\.\d, upstream;dur=\d+\.\d$/,
    );
    await streamed.text();
    upstream.script = (call) => replyJson(call, { error: { message: 'no' } }, { status: 422 });
    const refused = await ask(gateway);
    expect(refused.headers.get('x-gateway-upstream')).toBe('fake');
    expect(refused.headers.get('x-gateway-attempts')).toBe('1');
  });

  test('carries images of a request and of a stream through', async () => {
    const url = `data:image/png;base64,${
      fixture('openrouter-image')
        .toString()
        .match(/base64,([^"]+)/)?.[1]
    }`;
    const content = [{ type: 'image_url', image_url: { url } }];
    const delta = { images: [{ type: 'image_url', image_url: { url } }] };
    upstream.script = async (call) => {
      await beginSse(call);
      await call.send(sse(chunk(delta)) + sse(chunk({}, 'stop')) + sse('[DONE]'));
    };
    const response = await askStream(gateway, { messages: [{ role: 'user', content }] });
    expect(await response.text()).toContain(JSON.stringify(delta));
    expect(lastCall()?.body).toContain(JSON.stringify(content));
  });
});
