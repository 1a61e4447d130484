// Everything that the gateway answers, on /v1 and /c1, streamed and whole, fits the types of the official OpenAI SDK.
// Where an upstream's own bytes do not, they pass all the same: each such case is listed, with its reason.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSqliteStore } from '../src/storage/sqlite.ts';
import { chat, framesOf } from './harness/c1.ts';
import { startDemoGateway, type DemoGateway } from './harness/demo-gateway.ts';
import { replyWith, startFakeUpstream, type FakeUpstream } from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';
import { createTypeChecker, TYPES_FILE, type OpenAiType } from './harness/openai-types.ts';
import { ask } from './harness/v1.ts';

const FIXTURES = new URL('../src/providers/fixtures/', import.meta.url).pathname;
const fixtures = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.bytes'))
  .map((path) => path.slice(0, -'.bytes'.length))
  .toSorted();

/** The kind of upstream that says such a thing: one alias each, or `openai` for all that speak its wire. */
function kindOf(text: string): 'openai' | 'anthropic' | 'gemini' | 'ollama' {
  if (/^event: message_start|^\s*\{"type":"message"|"id":"msg_/m.test(text)) return 'anthropic';
  if (/"(?:candidates|promptFeedback|usageMetadata)":/.test(text)) return 'gemini';
  return /"done":(?:true|false)/.test(text) ? 'ollama' : 'openai';
}

interface Exception {
  readonly why: string;
  readonly faults: readonly string[];
}

/** What of an upstream's own bytes does not fit. They are shown as they came: see docs/decisions/0002. */
const EXCEPTIONS: Readonly<Record<string, Exception>> = {
  'azure-async-filter': {
    why: 'Azure tells of its filters in chunks of their own, without a kind.',
    faults: ['/v1 and /c1, streamed: object must be equal to constant'],
  },
  'azure-stream': {
    why: 'Azure begins with a chunk about the prompt that has no kind.',
    faults: ['/v1 and /c1, streamed: object must be equal to constant'],
  },
  'gemini-tool-calls': {
    why: 'Gemini leaves out a finish reason that is null.',
    faults: ["/v1 and /c1, streamed: choices[*] must have required property 'finish_reason'"],
  },
  'llama-cpp-json': {
    why: 'llama.cpp leaves out members that would be null.',
    faults: [
      "/v1, whole: choices[*] must have required property 'logprobs'",
      "/v1, whole: choices[*].message must have required property 'refusal'",
    ],
  },
  'sglang-stream': {
    why: 'SGLang sends null for what a delta does not hold.',
    faults: [
      '/v1 and /c1, streamed: choices[*].delta.role must be equal to one of the allowed values',
      '/v1 and /c1, streamed: choices[*].delta.role must be string',
      '/v1 and /c1, streamed: choices[*].delta.tool_calls must be array',
      '/v1 and /c1, streamed: choices[*].delta.tool_calls[*].function.name must be string',
      '/v1 and /c1, streamed: choices[*].delta.tool_calls[*].id must be string',
    ],
  },
  'vllm-lmcache-json': {
    why: 'vLLM sends null for members that it does not fill.',
    faults: [
      '/v1 and /c1, streamed: choices[*].delta.audio must be object',
      '/v1 and /c1, streamed: choices[*].delta.function_call must be object',
      '/v1 and /c1, streamed: system_fingerprint must be string',
      '/v1 and /c1, whole: system_fingerprint must be string',
      '/v1, whole: choices[*].message.annotations must be array',
    ],
  },
  'sse-line-ends': {
    why: 'No engine: written to show what the standard allows of lines, with only the members that this needs.',
    faults: [
      "/v1 and /c1, streamed: choices[*] must have required property 'finish_reason'",
      "/v1 and /c1, streamed: reply must have required property 'created'",
      "/v1 and /c1, streamed: reply must have required property 'id'",
      "/v1 and /c1, streamed: reply must have required property 'model'",
      "/v1 and /c1, streamed: reply must have required property 'object'",
      "/v1, whole: reply must have required property 'created'",
      "/v1, whole: reply must have required property 'id'",
      "/v1, whole: reply must have required property 'model'",
    ],
  },
};

const faultsIn = createTypeChecker();
let demo: DemoGateway;
let upstream: FakeUpstream;
let recorded: TestGateway;
beforeAll(async () => {
  demo = await startDemoGateway();
  upstream = await startFakeUpstream();
  const root = upstream.url.slice(0, -'/v1'.length);
  recorded = await startGateway(`
catalogue: replace
upstreams:
  openai: { kind: openai, base_url: ${root}/v1 }
  anthropic: { kind: anthropic, base_url: ${root}/v1 }
  gemini: { kind: gemini, base_url: ${root}/v1beta }
  ollama: { kind: ollama, base_url: ${root} }
models:
  openai: { targets: [{ upstream: openai, model: m }] }
  anthropic: { targets: [{ upstream: anthropic, model: m }] }
  gemini: { targets: [{ upstream: gemini, model: m }] }
  ollama: { targets: [{ upstream: ollama, model: m }] }
`);
});
afterAll(async () => {
  await recorded.close();
  await upstream.close();
  await demo.close();
});

test('the types are those of the SDK that is installed', () => {
  expect(existsSync(TYPES_FILE)).toBe(true);
});

test('the checker finds what is missing, what is of another type and what is no choice', () => {
  const chunk = {
    id: 1,
    object: 'chat.completion',
    created: 1,
    choices: [{ index: 0, delta: {} }],
  };
  expect(faultsIn('ChatCompletionChunk', chunk)).toEqual([
    "choices[*] must have required property 'finish_reason'",
    'id must be string',
    'object must be equal to constant',
    "reply must have required property 'model'",
  ]);
});

describe('what an upstream says, as the gateway shows it,', () => {
  for (const name of fixtures) {
    const exception = EXCEPTIONS[name];
    test(`${exception ? 'has only the faults that are known' : 'fits'}: ${name}`, async () => {
      const bytes = readFileSync(join(FIXTURES, `${name}.bytes`));
      upstream.script = (call) => replyWith(call, bytes);
      const shown = await everyForm({ model: kindOf(bytes.toString()) }, recorded);
      // Errors from their first byte leave nothing to hold to a type.
      if (shown.length === 0) expect(name + bytes.toString()).toMatch(/error|blockReason/i);
      expect(faultsOf(shown)).toEqual([...(exception?.faults ?? [])]);
    });
  }

  test('has no exception that is not needed any more', () => {
    expect(Object.keys(EXCEPTIONS).filter((name) => !fixtures.includes(name))).toEqual([]);
  });
});

describe('what the demo engine says fits', () => {
  const weather = {
    type: 'function',
    function: {
      name: 'get_weather',
      parameters: { type: 'object', properties: { city: { type: 'string' } } },
    },
  };
  const requests: Readonly<Record<string, object>> = {
    'with text': {},
    'with usage': { stream_options: { include_usage: true } },
    'cut short': { max_tokens: 2 },
    'with tool calls': { tools: [weather] },
    'as an object': { response_format: { type: 'json_object' } },
    'with an image': { modalities: ['text', 'image'] },
  };
  test.each(Object.entries(requests))('%s', async (_, more) => {
    const shown = await everyForm({ model: 'demo', ...more });
    expect(shown.length).toBeGreaterThan(6);
    expect(faultsOf(shown)).toEqual([]);
  });

  test('with several choices', async () => {
    const shown = await shownBy('/v1', { model: 'demo', n: 2 });
    expect(faultsOf(shown)).toEqual([]);
  });
});

test('a snapshot, which stands for a turn whose events are collected, fits', async () => {
  const response = await chat(demo.gateway, { model: 'demo', message: QUESTION, stream: true });
  await response.text();
  const path = join(demo.gateway.directory, 'gateway.db');
  const store = await openSqliteStore({ path, durability: 'normal' });
  while ((await store.collectEvents(Date.now() + 1_000)) > 0);
  await store.close();
  const turn = response.headers.get('x-turn-id') ?? '';
  const events = await demo.gateway.request(`/c1/turns/${turn}/events`);
  const text = await events.text();
  expect(text).toContain('event: snapshot\n');
  const [snapshot] = framesOf(text);
  expect(faultsIn('ChatCompletionChunk', JSON.parse(snapshot?.data ?? ''))).toEqual([]);
});

const QUESTION = 'What is the weather in Paris?';

/** One thing that the gateway said, and where. */
interface Shown {
  readonly api: '/v1' | '/c1';
  readonly form: 'streamed' | 'whole';
  readonly value: object;
}

/** The faults of everything shown, each with where it is seen. */
function faultsOf(shown: readonly Shown[]): string[] {
  const places = new Map<string, Set<string>>();
  for (const { api, form, value } of shown) {
    const type: OpenAiType = form === 'whole' ? 'ChatCompletion' : 'ChatCompletionChunk';
    for (const fault of faultsIn(type, value)) {
      const key = `${form}: ${fault}`;
      places.set(key, (places.get(key) ?? new Set()).add(api));
    }
  }
  return [...places].map(([fault, apis]) => `${[...apis].join(' and ')}, ${fault}`).toSorted();
}

async function everyForm(body: object, gateway = demo.gateway): Promise<Shown[]> {
  return [...(await shownBy('/v1', body, gateway)), ...(await shownBy('/c1', body, gateway))];
}

/** Everything that is answered to a request, whole and streamed, except errors. */
async function shownBy(api: Shown['api'], body: object, gateway = demo.gateway): Promise<Shown[]> {
  const post = (stream: boolean) =>
    api === '/v1'
      ? ask(gateway, { messages: [{ role: 'user', content: QUESTION }], ...body, stream })
      : chat(gateway, { message: QUESTION, ...body, stream });
  const whole = JSON.parse(await (await post(false)).text()) as object;
  const events = framesOf(await (await post(true)).text())
    .filter(({ data }) => data.startsWith('{'))
    .map(({ data }) => JSON.parse(data) as object);
  const shown: Shown[] = [
    { api, form: 'whole', value: whole },
    ...events.map((value) => ({ api, form: 'streamed' as const, value })),
  ];
  return shown.filter(({ value }) => !('error' in value));
}
