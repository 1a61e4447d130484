// Input that is odd but right: it is taken, and what the gateway does not have to change reaches the upstream as it
// came.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import {
  completion,
  configFor,
  replyJson,
  startFakeUpstream,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream((call) => replyJson(call, completion('ok')));
  const more = `
  floored:
    min_max_tokens: 200
    targets: [{ upstream: fake, model: fake-model }]`;
  gateway = await startGateway(configFor(upstream, more));
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const V1 = '/v1/chat/completions';
const C1 = '/c1/chat';
const members = (path: string, model = 'test-model') =>
  path === V1
    ? `"model":"${model}","messages":[{"role":"user","content":"hi"}]`
    : `"model":"${model}","message":"hi"`;

/** Sends a body that must be taken; the text that the upstream was sent for it, and the reply's headers. */
async function sentOn(
  path: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<{ text: string; headers: Headers }> {
  const response = await gateway.request(path, { body, headers });
  const reply = await response.text();
  expect([response.status, reply]).toEqual([200, reply]);
  return { text: upstream.calls.at(-1)?.body ?? '', headers: response.headers };
}

describe.each([V1, C1])('POST %s', (path) => {
  test.each([
    '"seed":9007199254740993',
    '"seed":-12345678901234567890',
    '"x":-0',
    '"x":1e400',
    '"x":1.0',
    '"x":1E+2',
    '"x":0.1000000000000000055511151231257827',
    '"x" : [ 1 ,2 ]',
    '"x":"\\u0000"',
    '"x":"\\ud83d\\ude00 \\/ \\u00e9"',
    '"x":{"a":1,"a":2}',
    '"__proto__":{"stream":true,"polluted":1}',
    '"constructor":{"prototype":{"polluted":1}}',
    '"toString":1',
    '"hasOwnProperty":null',
    '"":1',
    '"x":null',
    '"temperature":"hot"',
  ])('carries %s to the upstream as it came', async (member) => {
    const { text } = await sentOn(path, `{${members(path)},${member}}`);
    // /c1 builds the body from the values: the space around a key is not the value's.
    expect(text).toContain(path === C1 ? member.replace('" : [', '":[') : member);
    expect('polluted' in {}).toBe(false);
  });

  test('takes 64 levels of nesting', async () => {
    const deep = `"x":${'['.repeat(63)}${']'.repeat(63)}`;
    const { text } = await sentOn(path, `{${members(path)},${deep}}`);
    expect(text).toContain(deep);
  });

  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON;charset=UTF-8',
    'application/vnd.api+json',
  ])('takes the content type %s', async (type) => {
    await sentOn(path, `{${members(path)}}`, { 'content-type': type });
  });

  test('takes a body that says nothing of its type', async () => {
    const response = await fetch(gateway.url + path, {
      method: 'POST',
      headers: { authorization: 'Bearer test-token-3f9c' },
      body: new TextEncoder().encode(`{${members(path)}}`),
    });
    expect(response.status).toBe(200);
    await response.text();
  });

  test('takes a body in pieces without a length', async () => {
    const pieces = [`{${members(path)},"x":"ü`, '😀', '"}'].map((text) =>
      new TextEncoder().encode(text),
    );
    const response = await fetch(gateway.url + path, {
      method: 'POST',
      headers: { authorization: 'Bearer test-token-3f9c', 'content-type': 'application/json' },
      body: new ReadableStream<Uint8Array>({
        pull(controller) {
          const piece = pieces.shift();
          if (piece) controller.enqueue(piece);
          else controller.close();
        },
      }),
    });
    expect(response.status).toBe(200);
    await response.text();
    expect(upstream.calls.at(-1)?.body).toContain('"x":"ü😀"');
  });

  test('raises a token limit below the floor of the model, and says so', async () => {
    for (const field of ['max_tokens', 'max_completion_tokens']) {
      const { text, headers } = await sentOn(
        path,
        `{${members(path, 'floored')},"${field}":1,"seed":9007199254740993}`,
      );
      expect(text).toContain(`"${field}":200`);
      expect(text).toContain('"seed":9007199254740993');
      expect(headers.get('x-gateway-applied')).toBe('max_tokens_floored=200');
    }
  });

  test.each(['200', '201', 'null', '1e3'])('leaves a token limit of %s alone', async (value) => {
    const { text, headers } = await sentOn(
      path,
      `{${members(path, 'floored')},"max_tokens":${value}}`,
    );
    expect(text).toContain(`"max_tokens":${value}`);
    expect(headers.get('x-gateway-applied')).toBeNull();
  });

  test('takes a floor for no reason to add a limit', async () => {
    const { text, headers } = await sentOn(path, `{${members(path, 'floored')}}`);
    expect(text).not.toContain('max_tokens');
    expect(headers.get('x-gateway-applied')).toBeNull();
  });
});

test('/v1 sends a whole odd body on as it came, but for the model', async () => {
  const body =
    '\r\n{ "messages" :\t[{"content":"a\\u0000\\ud800b","role":"user","name":null}] , "model":"test-model","n":1 }\n ';
  const { text } = await sentOn(V1, body);
  expect(text).toBe(body.replace('"test-model"', '"fake-model"'));
});

test('/v1 finds members whose names are written in escapes', async () => {
  const { text } = await sentOn(
    V1,
    '{"\\u006dodel":"test-model","messages":[{"role":"user","content":"hi"}],"max_tokens":7}',
  );
  expect(JSON.parse(text)).toMatchObject({ model: 'fake-model', max_tokens: 7 });
});

test('/c1 keeps NULs, lone surrogates and marks of its own in a message apart, and says them again', async () => {
  const message = `NUL \0 mark \0${'a'.repeat(64)}\0 emoji 😀 "quoted" \\ \u2028`;
  const first = await gateway.request(C1, {
    body: `{"model":"test-model","message":${JSON.stringify(message).slice(0, -1)} half \\ud800"}`,
  });
  expect(first.status).toBe(200);
  await first.text();
  const id = first.headers.get('x-conversation-id');
  const kept = `${message} half \uFFFD`;
  const again = await gateway.request(C1, {
    body: { model: 'test-model', message: 'more', conversation_id: id },
  });
  await again.text();
  const prompt = JSON.parse(upstream.calls.at(-1)?.body ?? '') as { messages: unknown[] };
  expect(prompt.messages[0]).toEqual({ role: 'user', content: kept });
  const stored = (await (await gateway.request(`/c1/conversations/${id}`)).json()) as {
    title: string;
    messages: { content: string }[];
  };
  expect(stored.messages[0]?.content).toBe(kept);
});

test('/c1 keeps what a client calls __proto__ out of its own objects', async () => {
  const made = await gateway.request(C1, {
    body: '{"model":"test-model","message":"hi","__proto__":{"conversation_id":"conv_x","on_disconnect":"cancel"}}',
  });
  expect(made.status).toBe(200);
  await made.text();
  const id = made.headers.get('x-conversation-id');
  const changed = await gateway.request(`/c1/conversations/${id}`, {
    method: 'PATCH',
    body: '{"title":"t","metadata":{"constructor":"a","toString":"b"}}',
  });
  expect(await changed.json()).toMatchObject({
    title: 't',
    metadata: { constructor: 'a', toString: 'b' } as never,
  });
});
