// Bodies and queries that are wrong in every way we could think of: each is refused with the field at fault, before
// any upstream hears of it.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { configFor, startFakeUpstream, type FakeUpstream } from './harness/fake-upstream.ts';
import { startGateway, TOKEN, type TestGateway } from './harness/gateway.ts';
import { openRaw, statusesIn } from './harness/raw.ts';

const LIMIT = 1_048_576;

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  const more = `
  text-only:
    modalities: { input: [text] }
    capabilities: { tools: false }
    targets: [{ upstream: fake, model: fake-model }]
limits: { max_body_bytes: ${LIMIT}, rate_per_second: 1000000, burst: 1000000 }`;
  gateway = await startGateway(configFor(upstream, more));
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});
/** How many calls the upstream may have had after a test that is all refusals. */
let heard = 0;
afterEach(() => {
  heard = upstream.calls.length;
});

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly param: string | null;
  readonly message: string;
}

async function refusal(path: string, body: unknown, headers = {}): Promise<Refusal> {
  const method = path.startsWith('/c1/conversations/') ? 'PATCH' : 'POST';
  const response = await gateway.request(path, { method, body, headers });
  const text = await response.text();
  if (response.ok) throw new Error(`not refused: ${text}`);
  const { error } = JSON.parse(text) as { error: Omit<Refusal, 'status'> };
  return { ...error, status: response.status };
}

const V1 = '/v1/chat/completions';
const C1 = '/c1/chat';
const USER = { role: 'user', content: 'hi' };
/** A sound request of each API as JSON members, without the braces, to put faults into. */
const SOUND = {
  [V1]: '"model":"test-model","messages":[{"role":"user","content":"hi"}]',
  [C1]: '"model":"test-model","message":"hi"',
};

describe.each([V1, C1] as const)('POST %s refuses', (path) => {
  const sound = SOUND[path];
  const nested = (levels: number) =>
    `{${sound},"x":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;

  test.each([
    ['an empty body', ''],
    ['white space', ' \n\t '],
    ['an array', '[]'],
    ['null', 'null'],
    ['a string', '"hi"'],
    ['a number', '1'],
    ['half a body', `{${sound}`],
    ['a body and a half', `{${sound}}{}`],
    ['a trailing comma', `{${sound},}`],
    ['single quotes', `{'model':'m'}`],
    ['a comment', `{${sound}/* x */}`],
    ['NaN', `{${sound},"x":NaN}`],
    ['a raw control character in a string', `{${sound},"x":"a\u0001b"}`],
    ['a raw NUL', `{${sound},"x":"a\0b"}`],
    ['a byte order mark', `\uFEFF{${sound}}`],
    ['a key twice', `{${sound},"model":"other"}`],
    ['a key twice, once in escapes', `{${sound},"\\u006dodel":"other"}`],
    ['an unknown key twice', `{${sound},"x":1,"x":1}`],
    ['65 levels', nested(65)],
    ['100,000 levels', nested(100_000)],
    ['100,000 opened levels', `{${sound},"x":${'['.repeat(100_000)}`],
    ['100,000 levels of objects', `{${sound},"x":${'{"a":'.repeat(1e5)}1${'}'.repeat(1e5)}}`],
  ])('%s as invalid_json', async (_, body) => {
    const { status, code, message } = await refusal(path, body);
    expect([status, code]).toEqual([400, 'invalid_json']);
    expect(message.length).toBeLessThan(300);
    expect(upstream.calls.length).toBe(heard);
  });

  test.each([
    ['in a text', [0x22, 0xff, 0x22]],
    ['an overlong NUL', [0x22, 0xc0, 0x80, 0x22]],
    ['a surrogate in CESU-8', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['half a character at the end', [0x22, 0xe2, 0x82, 0x22]],
    ['UTF-16', [0x22, 0xff, 0xfe, 0x68, 0x22]],
  ])('what is not UTF-8: %s', async (_, bytes) => {
    const body = Buffer.concat([
      Buffer.from(`{${sound},"x":`),
      Uint8Array.from(bytes),
      Buffer.from('}'),
    ]);
    const response = await fetch(gateway.url + path, {
      method: 'POST',
      headers: { 'x-api-key': TOKEN, 'content-type': 'application/json' },
      body,
    });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('"code":"invalid_json"');
    expect(upstream.calls.length).toBe(heard);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'the content type %s',
    async (type) => {
      const fault = await refusal(path, `{${sound}}`, { 'content-type': type });
      expect(fault).toMatchObject({
        status: 415,
        code: 'unsupported_media_type',
        param: 'content-type',
      });
    },
  );

  test.each(['gzip', 'br', 'gzip, identity', 'x'])('the content encoding %s', async (encoding) => {
    const fault = await refusal(path, `{${sound}}`, { 'content-encoding': encoding });
    expect(fault).toMatchObject({
      status: 415,
      code: 'unsupported_media_type',
      param: 'content-encoding',
    });
  });

  test.each([
    [0, 'max_tokens_below_minimum'],
    [-1, 'max_tokens_below_minimum'],
    [-9e15, 'max_tokens_below_minimum'],
    [1.5, 'invalid_field'],
    ['5', 'invalid_field'],
    [true, 'invalid_field'],
    [[5], 'invalid_field'],
    [{}, 'invalid_field'],
  ])('%j as a token limit', async (value, code) => {
    for (const param of ['max_tokens', 'max_completion_tokens']) {
      const fault = await refusal(path, `{${sound},"${param}":${JSON.stringify(value)}}`);
      expect(fault).toMatchObject({ status: 400, code, param });
    }
    expect(upstream.calls.length).toBe(heard);
  });

  test('a number too large for any type as a token limit', async () => {
    const fault = await refusal(path, `{${sound},"max_tokens":1e400}`);
    expect(fault).toMatchObject({ code: 'invalid_field', param: 'max_tokens' });
  });

  test('an alias that is not served, however it is written', async () => {
    const rest = path === V1 ? { messages: [USER] } : { message: 'hi' };
    for (const model of [
      'gpt-2',
      '',
      ' test-model',
      'TEST-MODEL',
      'test-model\0',
      '__proto__',
      'constructor',
      'x'.repeat(10_000),
    ]) {
      const fault = await refusal(path, { ...rest, model });
      expect(fault).toMatchObject({ status: 400, code: 'model_not_in_allowlist', param: 'model' });
      expect(fault.message).toContain('test-model');
      expect(fault.message.length).toBeLessThan(400);
    }
    expect(upstream.calls.length).toBe(heard);
  });

  test('a body over the limit, by its length or while it comes, and the process serves on', async () => {
    const head = `POST ${path} HTTP/1.1\r\nhost: x\r\nx-api-key: ${TOKEN}\r\n`;
    for (const length of [LIMIT + 1, 99_999_999_999]) {
      const declared = await openRaw(gateway.url);
      declared.send(`${head}content-length: ${length}\r\n\r\n`);
      const reply = await declared.closed;
      expect(statusesIn(reply)).toEqual([413]);
      expect(reply).toContain('"code":"body_too_large"');
      expect(reply).toMatch(/^connection: close\r$/im);
    }
    const counted = await openRaw(gateway.url);
    counted.send(`${head}transfer-encoding: chunked\r\n\r\n`);
    const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`;
    for (let sent = 0; sent <= LIMIT; sent += 65_536) counted.send(chunk);
    const reply = await counted.until(/\r\n\r\n.*\}/s);
    expect(statusesIn(reply)).toEqual([413]);
    counted.destroy();
    const exact = `{${sound}}`.padEnd(LIMIT);
    expect((await gateway.request(path, { body: exact })).status).toBe(200);
    expect(await refusal(path, `${exact} `)).toMatchObject({ code: 'body_too_large' });
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
  });

  test.each([500, LIMIT])('a body of %i bytes that breaks off', async (length) => {
    const raw = await openRaw(gateway.url);
    raw.send(
      `POST ${path} HTTP/1.1\r\nhost: x\r\nx-api-key: ${TOKEN}\r\ncontent-length: ${length}\r\n\r\n{${sound}}`,
    );
    raw.finish();
    expect(statusesIn(await raw.closed)).not.toContain(200);
    expect(upstream.calls.length).toBe(heard);
  });
});

describe.each([
  ['short', ''],
  ['long, which is looked over and not parsed,', 'long '.repeat(1_000)],
])('/v1/chat/completions names the field at fault, where a body is %s', (_, user) => {
  test.each<[object, string, string]>([
    [{ model: undefined }, 'missing_field', 'model'],
    [{ model: null }, 'invalid_field', 'model'],
    [{ model: 7 }, 'invalid_field', 'model'],
    [{ model: ['test-model'] }, 'invalid_field', 'model'],
    [{ messages: undefined }, 'missing_field', 'messages'],
    [{ messages: null }, 'invalid_field', 'messages'],
    [{ messages: 'hi' }, 'invalid_field', 'messages'],
    [{ messages: {} }, 'invalid_field', 'messages'],
    [{ messages: [] }, 'invalid_field', 'messages'],
    [{ messages: ['hi'] }, 'invalid_field', 'messages[0]'],
    [{ messages: [USER, null] }, 'invalid_field', 'messages[1]'],
    [{ messages: [{ content: 'hi' }] }, 'missing_field', 'messages[0].role'],
    [{ messages: [{ role: 1 }] }, 'invalid_field', 'messages[0].role'],
    [{ messages: [{ ...USER, content: 1 }] }, 'invalid_field', 'messages[0].content'],
    [{ messages: [{ ...USER, content: {} }] }, 'invalid_field', 'messages[0].content'],
    [{ messages: [{ ...USER, content: [1] }] }, 'invalid_field', 'messages[0].content[0]'],
    [{ messages: [{ ...USER, content: [{}] }] }, 'missing_field', 'messages[0].content[0].type'],
    [
      { messages: [{ ...USER, content: [{ type: 1 }] }] },
      'invalid_field',
      'messages[0].content[0].type',
    ],
    [
      { messages: [{ ...USER, content: [{ type: 'text' }] }] },
      'missing_field',
      'messages[0].content[0].text',
    ],
    [
      { messages: [{ ...USER, content: [{ type: 'text', text: 1 }] }] },
      'invalid_field',
      'messages[0].content[0].text',
    ],
    [{ stream: 'true' }, 'invalid_field', 'stream'],
    [{ stream: 1 }, 'invalid_field', 'stream'],
    [{ stream_options: true }, 'invalid_field', 'stream_options'],
    [{ stream_options: { include_usage: 'yes' } }, 'invalid_field', 'stream_options.include_usage'],
    [{ tools: {} }, 'invalid_field', 'tools'],
    [{ tools: 'x' }, 'invalid_field', 'tools'],
    [{ model: 'text-only', tools: [{ type: 'function' }] }, 'modality_not_supported', 'tools'],
  ])('%j', async (fault, code, param) => {
    const body = { model: 'test-model', messages: [USER], user, ...fault };
    expect(await refusal(V1, body)).toMatchObject({ status: 400, code, param });
    expect(upstream.calls.length).toBe(heard);
  });
});

describe('/c1/chat names the field at fault:', () => {
  test.each<[object, string, string]>([
    [{ model: undefined }, 'missing_field', 'model'],
    [{ model: 7 }, 'invalid_field', 'model'],
    [{ message: undefined }, 'missing_field', 'message'],
    [{ message: null }, 'missing_field', 'message'],
    [{ message: 5 }, 'invalid_field', 'message'],
    [{ message: '' }, 'invalid_field', 'message'],
    [{ message: [] }, 'invalid_field', 'message'],
    [{ message: {} }, 'invalid_field', 'message'],
    [{ message: ['hi'] }, 'invalid_field', 'message[0]'],
    [{ message: [{ type: 'text' }] }, 'missing_field', 'message[0].text'],
    [{ messages: [USER] }, 'invalid_field', 'messages'],
    [{ images: 'x' }, 'invalid_field', 'images'],
    [{ images: [1] }, 'invalid_field', 'images[0]'],
    [{ conversation_id: 5 }, 'invalid_field', 'conversation_id'],
    [{ conversation_id: '' }, 'invalid_field', 'conversation_id'],
    [{ conversation_id: 'conv_unknown' }, 'conversation_not_found', 'conversation_id'],
    [{ user_id: 5 }, 'invalid_field', 'user_id'],
    [{ user_id: 'u'.repeat(257) }, 'invalid_field', 'user_id'],
    [{ provider: 5 }, 'invalid_field', 'provider'],
    [{ provider: 'unknown' }, 'invalid_field', 'provider'],
    [{ system: 5 }, 'invalid_field', 'system'],
    [{ tools: {} }, 'invalid_field', 'tools'],
    [{ tool_choice: 5 }, 'invalid_field', 'tool_choice'],
    [{ response_format: 'text' }, 'invalid_field', 'response_format'],
    [{ response_format: {} }, 'missing_field', 'response_format.type'],
    [{ tool_results: {} }, 'invalid_field', 'tool_results'],
    [{ tool_results: [{ content: 'x' }] }, 'missing_field', 'tool_results[0].tool_call_id'],
    [{ tool_results: [{ tool_call_id: 'c' }] }, 'missing_field', 'tool_results[0].content'],
    [
      { tool_results: [{ tool_call_id: 'c', content: 'x' }] },
      'invalid_field',
      'tool_results[0].tool_call_id',
    ],
    [{ stream: 'true' }, 'invalid_field', 'stream'],
    [{ n: 2 }, 'invalid_field', 'n'],
    [{ on_disconnect: 'explode' }, 'invalid_field', 'on_disconnect'],
    [{ expected_head: 5 }, 'invalid_field', 'expected_head'],
    [{ model: 'text-only', tools: [{ type: 'function' }] }, 'modality_not_supported', 'tools'],
  ])('%j', async (fault, code, param) => {
    const body = { model: 'test-model', message: 'hi', ...fault };
    const status = code === 'conversation_not_found' ? 404 : 400;
    expect(await refusal(C1, body)).toMatchObject({ status, code, param });
    expect(upstream.calls.length).toBe(heard);
  });
});
