// What single kinds of upstream are sent and send although they speak OpenAI's wire, over real sockets.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { said } from './harness/c1.ts';
import { beginSse, startFakeUpstream, type FakeUpstream } from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';
import { fixture } from './harness/replay.ts';
import { ask, askStream, errorIn, eventsIn } from './harness/v1.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(`
catalogue: replace
upstreams:
  azure: { kind: azure, base_url: ${upstream.url.replace('/v1', '/openai/v1')}, api_key: azure-key-1 }
  openai: { kind: openai, base_url: ${upstream.url}, api_key: openai-key-1 }
  openrouter: { kind: openrouter, base_url: ${upstream.url}, headers: { HTTP-Referer: "https://h.example" } }
  box: { kind: ollama, base_url: ${upstream.url} }
models:
  deployed: { targets: [{ upstream: azure, model: prod-gpt-5-mini }] }
  gpt: { targets: [{ upstream: openai, model: gpt-5.5-pro }] }
  routed: { targets: [{ upstream: openrouter, model: a/b }] }
  local: { targets: [{ upstream: box, model: llama3.2 }] }`);
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const call = () => upstream.calls.at(-1);

function stream(name: string): void {
  upstream.script = async (asked) => {
    await beginSse(asked);
    await asked.send(fixture(name));
    asked.end();
  };
}

test('Azure gets its key in its own header, and what its filter adds comes through', async () => {
  stream('azure-stream');
  const response = await askStream(gateway, { model: 'deployed', max_tokens: 5 });
  const events = eventsIn(await response.text());
  expect(call()?.path).toBe('/openai/v1/chat/completions');
  expect(call()?.headers.get('api-key')).toBe('azure-key-1');
  expect(call()?.headers.has('authorization')).toBe(false);
  expect(call()?.body).toContain('"model":"prod-gpt-5-mini"');
  expect(call()?.body).toContain('"max_completion_tokens":5');
  expect(JSON.parse(events[0] ?? '')).toMatchObject({ choices: [], model: 'deployed' });
  expect(events[0]).toContain('"prompt_filter_results":[{"prompt_index":0');
  expect(events.filter((event) => event.includes('"content_filter_results":{"hate"'))).toHaveLength(
    3,
  );
  expect(events.at(-1)).toBe('[DONE]');
});

test('a conversation at Azure has the id of the chunks that have one', async () => {
  stream('azure-stream');
  const reply = await said(gateway, { model: 'deployed', message: 'hi' });
  expect(reply).toMatchObject({ id: 'chatcmpl-CdAz1', created: 1_763_630_100 });
  expect(reply.choices[0].message.content).toBe('Guten Tag ü');
});

test('an answer that the filter ended is whole, with its reason', async () => {
  stream('azure-async-filter');
  const text = await (await askStream(gateway, { model: 'deployed' })).text();
  expect(text).toContain('"finish_reason":"content_filter"');
  expect(text).toEndWith('data: [DONE]\n\n');
});

test('a reasoning model of OpenAI is given its limit under the newer name, on both APIs', async () => {
  stream('openai-two-choices');
  await (await askStream(gateway, { model: 'gpt', max_tokens: 300, n: 2 })).text();
  expect(call()?.body).toContain('"max_completion_tokens":300');
  expect(call()?.body).not.toContain('"max_tokens"');
  stream('azure-stream');
  await said(gateway, { model: 'gpt', message: 'hi', max_tokens: 300 });
  expect(call()?.body).toContain('"max_completion_tokens":300');
  expect(call()?.body).not.toContain('"max_tokens"');
});

test('OpenRouter is told who asks, beside the headers of the operator', async () => {
  stream('openrouter-stream');
  await (await askStream(gateway, { model: 'routed' })).text();
  expect(call()?.headers.get('x-title')).toBe('DGX LLM Chat Gateway');
  expect(call()?.headers.get('http-referer')).toBe('https://h.example');
});

test("what Ollama's OpenAI-compatible API would leave out in silence is refused", async () => {
  const before = upstream.calls.length;
  const response = await ask(gateway, { model: 'local', logit_bias: { 5: 1 } });
  expect(errorIn(await response.text())).toMatchObject({
    code: 'modality_not_supported',
    param: 'logit_bias',
  });
  expect(upstream.calls).toHaveLength(before);
});
