// The gateway in front of a real llama.cpp server: run by `npm run test:engine`, which builds the server and writes
// the model.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { chat, framesOf, joinedText, type Reply } from '../harness/c1.ts';
import { startGateway, type TestGateway } from '../harness/gateway.ts';
import { ask, askStream, errorIn, eventsIn } from '../harness/v1.ts';
import { startLlamaServer, type LlamaServer } from './llama-server.ts';

interface Counts {
  readonly usage: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly prompt_tokens_details?: { readonly cached_tokens?: number };
  };
  readonly timings?: { readonly cache_n?: number };
}

/**
 * Makes a random model answer in words that become the same tokens again when they are read: 24 capital letters, for
 * which the vocabulary has no longer pieces, and never as bytes, which are tokens 5 to 260.
 */
const READABLE = {
  grammar: 'root ::= [A-Z]{24}',
  logit_bias: Array.from({ length: 256 }, (_, byte) => [5 + byte, false]),
};

let server: LlamaServer;
let gateway: TestGateway;

beforeAll(async () => {
  server = await startLlamaServer();
  gateway = await startGateway(`
catalogue: replace
upstreams: { llama: { kind: llama.cpp, base_url: ${server.url}/v1 } }
models: { test-model: { targets: [{ upstream: llama, model: tiny }] } }
`);
}, 60_000);
afterAll(async () => {
  await gateway.close();
  await server.stop();
});

test('/v1 answers in one piece under the alias, with the engine’s own members', async () => {
  const response = await ask(gateway, { max_tokens: 8, seed: 1 });
  expect(response.status).toBe(200);
  const reply = (await response.json()) as Record<string, unknown>;
  expect(reply).toMatchObject({ object: 'chat.completion', model: 'test-model' });
  expect(reply).toHaveProperty('timings.predicted_n', 8);
  expect(reply).toHaveProperty('usage.completion_tokens', 8);
});

test('/v1 streams, with usage only where it was asked for', async () => {
  const plain = eventsIn(await (await askStream(gateway, { max_tokens: 8, seed: 1 })).text());
  expect(plain.at(-1)).toBe('[DONE]');
  expect(plain.join('')).not.toContain('"usage"');
  const options = { stream_options: { include_usage: true } };
  const asked = await askStream(gateway, { max_tokens: 8, seed: 1, ...options });
  const usage = JSON.parse(eventsIn(await asked.text()).at(-2) ?? '') as Counts;
  expect(usage).toMatchObject({
    model: 'test-model',
    choices: [],
    usage: { completion_tokens: 8 },
  });
});

test('/v1 streams two choices side by side', async () => {
  const text = await (await askStream(gateway, { max_tokens: 4, n: 2, seed: 1 })).text();
  expect(text.split('"finish_reason":"length"')).toHaveLength(3);
  expect(text).toEndWith('data: [DONE]\n\n');
});

test('/v1 holds the engine to a schema', async () => {
  const schema = {
    type: 'object',
    properties: { ok: { const: true } },
    required: ['ok'],
    additionalProperties: false,
  };
  const response_format = { type: 'json_schema', json_schema: { name: 'ok', schema } };
  const response = await ask(gateway, { max_tokens: 100, seed: 2, response_format });
  const reply = (await response.json()) as Reply;
  expect(JSON.parse(reply.choices[0].message.content ?? '')).toEqual({ ok: true });
});

test('what the engine refuses keeps its status and words; a long prompt is known as such', async () => {
  const tooLong = { messages: [{ role: 'user', content: 'x'.repeat(9_000) }] };
  for (const response of [await ask(gateway, tooLong), await askStream(gateway, tooLong)]) {
    expect(response.status).toBe(400);
    const error = errorIn(await response.text());
    expect(error.code).toBe('context_length_exceeded');
    expect(error.message).toMatch(/9\d{3} tokens/);
  }
  const refused = await ask(gateway, { response_format: { type: 'nonsense' } });
  expect(refused.status).toBe(400);
  expect(errorIn(await refused.text())).toMatchObject({ code: 'upstream_rejected' });
});

test('/c1: every turn of a conversation is answered out of the cache of the turn before', async () => {
  const turns: { prompt: number; cached: number; answer: number }[] = [];
  let conversation: string | undefined;
  for (let turn = 1; turn <= 5; turn++) {
    const message = `Turn ${turn}: ${'tell me more about the thing in the corner. '.repeat(4)}`;
    const body = { message, max_tokens: 40, seed: turn, ...READABLE };
    const counts: Counts & { conversation_id: string } = await said({
      ...body,
      stream: turn % 2 === 0,
      ...(conversation === undefined
        ? { system: 'You are a random model. '.repeat(8) }
        : { conversation_id: conversation }),
    });
    conversation = counts.conversation_id;
    const cached = counts.usage.prompt_tokens_details?.cached_tokens ?? counts.timings?.cache_n;
    turns.push({
      prompt: counts.usage.prompt_tokens,
      cached: cached ?? 0,
      answer: counts.usage.completion_tokens,
    });
  }
  console.table(
    turns.map(({ prompt, cached, answer }, at) => ({
      turn: at + 1,
      'prompt tokens': prompt,
      'of them cached': cached,
      'cached %': Math.round((100 * cached) / prompt),
      'answer tokens': answer,
    })),
  );
  for (const [at, { cached }] of turns.entries()) {
    const before = turns[at - 1];
    // All of the last turn's prompt and, but for its end token, all of its answer.
    expect(cached).toBeGreaterThanOrEqual(before ? before.prompt + before.answer - 1 : 0);
  }
});

/** A turn in either form; the counts are those of its last chunk or of the whole. */
async function said(body: { stream: boolean }): Promise<Counts & { conversation_id: string }> {
  const response = await chat(gateway, { ...body, stream_options: { include_usage: true } });
  const text = await response.text();
  if (response.status !== 200) throw new Error(text);
  if (!body.stream) return JSON.parse(text) as Counts & { conversation_id: string };
  const frames = framesOf(text);
  expect(joinedText(frames)).toMatch(/^[A-Z]{24}$/);
  const chunks = frames
    .filter(({ data }) => data.startsWith('{'))
    .map(({ data }) => JSON.parse(data) as Counts);
  const counts = chunks.find(({ usage }) => usage);
  if (!counts) throw new Error(`no usage in ${text}`);
  return { ...counts, conversation_id: response.headers.get('x-conversation-id') ?? '' };
}
