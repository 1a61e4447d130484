// What a kind of upstream lacks: refused by the name of its field before anybody is asked, and answered by the next
// target of the alias where that one has it.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { chat } from './harness/c1.ts';
import {
  completion,
  replyJson,
  replySse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
  type UpstreamCall,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';
import { fixture } from './harness/replay.ts';
import { ask, errorIn } from './harness/v1.ts';

let claude: FakeUpstream;
let open: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  claude = await startFakeUpstream((call) => replyJson(call, fixture('anthropic-json').toString()));
  open = await startFakeUpstream((call: UpstreamCall) =>
    call.body.includes('"stream":true')
      ? replySse(call, streamOf(['open']))
      : replyJson(call, completion('open')),
  );
  gateway = await startGateway(`
catalogue: replace
upstreams:
  claude: { kind: anthropic, base_url: "${claude.url}", api_key: k }
  open: { kind: openai, base_url: "${open.url}" }
models:
  alone:
    modalities: { input: [text, image, audio] }
    targets: [{ upstream: claude, model: claude-opus-4-7 }]
  chain:
    modalities: { input: [text, image, audio] }
    targets: [{ upstream: claude, model: claude-opus-4-7 }, { upstream: open, model: any }]
`);
});
beforeEach(() => {
  for (const { calls } of [claude, open]) calls.length = 0;
});
afterAll(async () => {
  await gateway.close();
  await Promise.all([claude.close(), open.close()]);
});

const audio = { type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } };
const question = { type: 'text', text: 'What is said here?' };

const LACKING: readonly (readonly [object, string])[] = [
  [{ n: 2 }, 'n'],
  [{ seed: 7 }, 'seed'],
  [{ response_format: { type: 'json_object' } }, 'response_format'],
  [{ messages: [{ role: 'user', content: [question, audio] }] }, 'messages[0].content[1]'],
];

describe.each(LACKING)('at Anthropic %j', (feature, param) => {
  test.each([true, false])('is refused by its name (stream: %p)', async (stream) => {
    const response = await ask(gateway, { model: 'alone', stream, ...feature });
    expect(response.status).toBe(400);
    expect(errorIn(await response.text())).toMatchObject({
      type: 'invalid_request_error',
      code: 'modality_not_supported',
      param,
      retryable: false,
    });
    expect(claude.calls).toEqual([]);
  });

  test.each([true, false])('is answered by the next target (stream: %p)', async (stream) => {
    const response = await ask(gateway, { model: 'chain', stream, ...feature });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-gateway-upstream')).toBe('open');
    expect(await response.text()).toContain('open');
    expect([claude.calls.length, open.calls.length]).toEqual([0, 1]);
    expect(JSON.parse(open.calls[0]?.body ?? '')).toMatchObject(feature);
  });
});

test('a turn of /c1 is refused, or answered by the next target, in the same way', async () => {
  const refused = await chat(gateway, { model: 'alone', message: 'hi', seed: 7 });
  expect(refused.status).toBe(400);
  expect(errorIn(await refused.text())).toMatchObject({
    code: 'modality_not_supported',
    param: 'seed',
  });
  const answered = await chat(gateway, { model: 'chain', message: 'hi', seed: 7 });
  expect(answered.status).toBe(200);
  expect(answered.headers.get('x-gateway-upstream')).toBe('open');
  expect(claude.calls).toEqual([]);
});

test('what one request asked in vain is not held against the target', async () => {
  for (let times = 0; times < 10; times++) {
    await (await ask(gateway, { model: 'chain', n: 2 })).text();
  }
  const plain = await ask(gateway, { model: 'chain' });
  expect(plain.headers.get('x-gateway-upstream')).toBe('claude');
  expect(await plain.text()).toContain('"object":"chat.completion"');
});
