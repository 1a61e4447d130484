// What of a POST /c1/chat goes upstream, in which bytes, and what is refused.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { membersOf } from '../src/json/members.ts';
import { chat, conversation, errorOf, said, sentMember, sentMessages } from './harness/c1.ts';
import {
  replyJson,
  replySse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';

let upstream: FakeUpstream;
let other: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  [upstream, other] = await Promise.all([startFakeUpstream(), startFakeUpstream()]);
  gateway = await startGateway(`
catalogue: replace
upstreams:
  fake: { kind: openai, base_url: ${upstream.url} }
  other: { kind: openai, base_url: ${other.url} }
models:
  test-model:
    modalities: { input: [text, image] }
    targets: [{ upstream: fake, model: fake-model }, { upstream: other, model: other-model }]
  floored: { min_max_tokens: 200, targets: [{ upstream: fake, model: floored-model }] }
  plain:
    capabilities: { tools: false }
    targets: [{ upstream: fake, model: plain-model }]`);
});
beforeEach(() => {
  for (const fake of [upstream, other]) fake.script = (call) => replySse(call, streamOf(['ok']));
});
afterAll(async () => {
  await gateway.close();
  await Promise.all([upstream.close(), other.close()]);
});

const last = () => {
  const call = upstream.calls.at(-1);
  if (!call) throw new Error('the upstream was not asked');
  return call;
};
const sent = (key: string) => sentMember(last(), key);

const WEATHER = `[ {"type":"function","function":{"name":"weather","description":"Météo","parameters":{"type":"object","properties":{"city":{"type":"string"},"big":{"const":9007199254740993}}}}} ]`;

async function refused(body: object | string): Promise<[number, string, string | null]> {
  const before = upstream.calls.length;
  const response =
    typeof body === 'string'
      ? await gateway.request('/c1/chat', { body })
      : await chat(gateway, body);
  const { code, param, message } = await errorOf(response);
  expect(message).not.toBe('');
  expect(upstream.calls.length).toBe(before);
  expect(response.headers.get('x-conversation-id')).toBeNull();
  return [response.status, code, param];
}

describe('what goes upstream', () => {
  test('parameters that nobody knows are carried as the bytes they came in, in their order', async () => {
    const parameters =
      '"temperature": 0.70, "seed":90071992547409931234567890, "x_unknown" : {"b":1e2,  "a":[1.0, "\\u00e9"]},"stop":["\\n\\n"],"user":"u","1":true';
    const response = await gateway.request('/c1/chat', {
      body: `{"message":"hi",${parameters},"model":"test-model"}`,
    });
    expect(response.status).toBe(200);
    expect(sent('temperature')).toBe('0.70');
    expect(sent('seed')).toBe('90071992547409931234567890');
    expect(sent('x_unknown')).toBe('{"b":1e2,  "a":[1.0, "\\u00e9"]}');
    expect(sent('stop')).toBe('["\\n\\n"]');
    expect(sent('user')).toBe('"u"');
    expect(sent('1')).toBe('true');
  });

  test('none of the members that are ours goes upstream', async () => {
    await said(gateway, {
      message: 'hi',
      images: [],
      user_id: 'someone',
      provider: 'fake',
      system: 'Be brief.',
      tools: [],
      tool_choice: 'auto',
      response_format: { type: 'text' },
      tool_results: [],
      stream: false,
      stream_options: { include_usage: false },
      n: 1,
      expected_head: null,
      on_disconnect: 'continue',
      conversation_id: null,
    });
    expect(membersOf(last().body).map(({ key }) => key)).toEqual([
      'model',
      'messages',
      'stream',
      'stream_options',
    ]);
    expect(sent('model')).toBe('"fake-model"');
    expect(sent('messages')).toBe(
      '[{"role":"system","content":"Be brief."},{"role":"user","content":"hi"}]',
    );
    expect(sent('stream')).toBe('true');
    expect(sent('stream_options')).toBe('{"include_usage":true}');
  });

  test('a member may be called like one of JavaScript’s own', async () => {
    const response = await gateway.request('/c1/chat', {
      body: '{"model":"test-model","message":"hi","__proto__":{"polluted":1},"constructor":2}',
    });
    expect(response.status).toBe(200);
    expect(sent('__proto__')).toBe('{"polluted":1}');
    expect(sent('constructor')).toBe('2');
  });

  test('token limits below the floor are raised, and the reply says so', async () => {
    const response = await chat(gateway, { model: 'floored', message: 'hi', max_tokens: 30 });
    expect(response.headers.get('x-gateway-applied')).toBe('max_tokens_floored=200');
    expect(sent('max_tokens')).toBe('200');
    const streamed = await chat(gateway, {
      model: 'floored',
      message: 'hi',
      max_completion_tokens: 1,
      stream: true,
    });
    expect(streamed.headers.get('x-gateway-applied')).toBe('max_tokens_floored=200');
    await streamed.text();
    expect(sent('max_completion_tokens')).toBe('200');
    expect(sent('max_tokens')).toBeUndefined();
  });

  test('provider asks this upstream and no other', async () => {
    const response = await chat(gateway, { message: 'hi', provider: 'other' });
    expect(response.headers.get('x-gateway-upstream')).toBe('other');
    expect(sentMember(other.calls.at(-1) ?? last(), 'model')).toBe('"other-model"');
    expect(await refused({ message: 'hi', provider: 'nobody' })).toEqual([
      400,
      'invalid_field',
      'provider',
    ]);
  });

  test('tools are pinned as first sent, inherited when absent, and dropped by an empty list', async () => {
    const first = await gateway.request('/c1/chat', {
      body: `{"model":"test-model","message":"hi","tools":${WEATHER},"tool_choice":"required"}`,
    });
    expect([sent('tools'), sent('tool_choice')]).toEqual([WEATHER, '"required"']);
    const conversation_id = first.headers.get('x-conversation-id');
    await said(gateway, { conversation_id, message: 'absent' });
    expect([sent('tools'), sent('tool_choice')]).toEqual([WEATHER, undefined]);

    // Reordered and re-spaced by a client's JSON library, but the same tools.
    const again = WEATHER.replace(
      /"name":"weather","description":"Météo"/,
      '"description": "M\\u00e9t\\u00e9o", "name": "weather"',
    );
    await gateway.request('/c1/chat', {
      body: `{"model":"test-model","conversation_id":"${conversation_id}","message":"again","tools":${again}}`,
    });
    expect(sent('tools')).toBe(WEATHER);

    const changed = WEATHER.replace('Météo', 'Wetter');
    await gateway.request('/c1/chat', {
      body: `{"model":"test-model","conversation_id":"${conversation_id}","message":"changed","tools":${changed}}`,
    });
    expect(sent('tools')).toBe(changed);

    await said(gateway, { conversation_id, message: 'none', tools: [], tool_choice: 'none' });
    expect([sent('tools'), sent('tool_choice')]).toEqual([undefined, undefined]);
    await said(gateway, { conversation_id, message: 'still none' });
    expect(sent('tools')).toBeUndefined();
  });

  test('a turn that failed pins nothing', async () => {
    const { conversation_id } = await said(gateway, { message: 'hi' });
    upstream.script = (call) => replyJson(call, { error: { message: 'no' } }, { status: 400 });
    const response = await gateway.request('/c1/chat', {
      body: `{"model":"test-model","conversation_id":"${conversation_id}","message":"x","tools":${WEATHER}}`,
    });
    expect(response.status).toBe(400);
    upstream.script = (call) => replySse(call, streamOf(['ok']));
    await said(gateway, { conversation_id, message: 'again' });
    expect(sent('tools')).toBeUndefined();
  });

  test('response_format goes along unless it is plain text', async () => {
    await said(gateway, { message: 'hi', response_format: { type: 'json_object' } });
    expect(sent('response_format')).toBe('{"type":"json_object"}');
    await said(gateway, { message: 'hi', response_format: { type: 'text' } });
    expect(sent('response_format')).toBeUndefined();
  });

  test('another model may go on with a conversation', async () => {
    const { conversation_id } = await said(gateway, { message: 'hi' });
    const reply = await said(gateway, { model: 'plain', conversation_id, message: 'and you?' });
    expect(reply.model).toBe('plain');
    expect(sent('model')).toBe('"plain-model"');
    expect(sentMessages(last())).toHaveLength(3);
    expect(await conversation(gateway, conversation_id)).toMatchObject({ model: 'plain' });
  });
});

describe('the system prompt', () => {
  test('is set by the first turn, stays, may be repeated, and may not change', async () => {
    const { conversation_id } = await said(gateway, { message: 'hi', system: 'Be "brief".\n' });
    await said(gateway, { conversation_id, message: 'again' });
    expect(sentMessages(last())[0]).toEqual({ role: 'system', content: 'Be "brief".\n' });
    await said(gateway, { conversation_id, message: 'again', system: 'Be "brief".\n' });
    expect(sentMessages(last()).filter(({ role }) => role === 'system')).toHaveLength(1);
    expect(await refused({ conversation_id, message: 'x', system: 'Be verbose.' })).toEqual([
      400,
      'invalid_field',
      'system',
    ]);
    expect(await conversation(gateway, conversation_id)).toMatchObject({
      system: 'Be "brief".\n',
      message_count: 6,
    });
  });

  test('cannot come later', async () => {
    const { conversation_id } = await said(gateway, { message: 'hi' });
    expect(await refused({ conversation_id, message: 'x', system: 'Now.' })).toEqual([
      400,
      'invalid_field',
      'system',
    ]);
  });
});

describe('expected_head', () => {
  test('lets a turn pass that knows the latest message, and refuses one that does not', async () => {
    const { conversation_id } = await said(gateway, { message: 'one' });
    const { head } = await conversation(gateway, conversation_id);
    await said(gateway, { conversation_id, message: 'two', expected_head: head });
    expect(await refused({ conversation_id, message: 'three', expected_head: head })).toEqual([
      409,
      'head_moved',
      'expected_head',
    ]);
    expect(await refused({ message: 'new', expected_head: head })).toEqual([
      409,
      'head_moved',
      'expected_head',
    ]);
    expect(await conversation(gateway, conversation_id)).toMatchObject({ message_count: 4 });
  });
});

test.each([
  [{}, [400, 'missing_field', 'message']],
  [{ message: null, images: [], tool_results: [] }, [400, 'missing_field', 'message']],
  [{ message: '' }, [400, 'invalid_field', 'message']],
  [{ message: [] }, [400, 'invalid_field', 'message']],
  [{ message: 7 }, [400, 'invalid_field', 'message']],
  [{ message: [{ text: 'no type' }] }, [400, 'missing_field', 'message[0].type']],
  [{ message: 'x', n: 2 }, [400, 'invalid_field', 'n']],
  [{ message: 'x', messages: [] }, [400, 'invalid_field', 'messages']],
  [{ message: 'x', parent: 'node_1' }, [400, 'missing_field', 'conversation_id']],
  [{ message: 'x', model: 'gpt-2' }, [400, 'model_not_in_allowlist', 'model']],
  [{ message: 'x', model: undefined }, [400, 'missing_field', 'model']],
  [{ message: 'x', stream: 'yes' }, [400, 'invalid_field', 'stream']],
  [{ message: 'x', system: '' }, [400, 'invalid_field', 'system']],
  [{ message: 'x', tools: {} }, [400, 'invalid_field', 'tools']],
  [{ message: 'x', tools: [{}], model: 'plain' }, [400, 'modality_not_supported', 'tools']],
  [{ message: 'x', tool_choice: 3 }, [400, 'invalid_field', 'tool_choice']],
  [{ message: 'x', response_format: 'json' }, [400, 'invalid_field', 'response_format']],
  [{ message: 'x', max_tokens: 0 }, [400, 'max_tokens_below_minimum', 'max_tokens']],
  [{ message: 'x', max_tokens: '9' }, [400, 'invalid_field', 'max_tokens']],
  [{ message: 'x', user_id: '' }, [400, 'invalid_field', 'user_id']],
  [{ message: 'x', tool_results: [{}] }, [400, 'missing_field', 'tool_results[0].tool_call_id']],
  [{ message: 'x', conversation_id: 'conv_0' }, [404, 'conversation_not_found', 'conversation_id']],
])('%j is refused before anybody is asked', async (body, refusal) => {
  expect(await refused(body)).toEqual(refusal as [number, string, string]);
});

test('messages is refused with the advice where to send them', async () => {
  const response = await chat(gateway, { message: 'x', messages: [{ role: 'user' }] });
  expect((await errorOf(response)).message).toBe(
    'messages is not taken here. Send one message; the server keeps the history. For a history of your own use /v1/chat/completions.',
  );
});

test('a key that comes twice is refused', async () => {
  expect(await refused('{"model":"test-model","message":"a","message":"b"}')).toEqual([
    400,
    'invalid_json',
    'message',
  ]);
});
