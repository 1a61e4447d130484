// Vercel's AI SDK with tools, against the gateway in front of Gemini: what Gemini signs has to come back through an
// SDK that knows nothing of it.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, isStepCount, jsonSchema, streamText, tool } from 'ai';
import {
  beginSse,
  replyJson,
  startFakeUpstream,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, TOKEN, type TestGateway } from './harness/gateway.ts';
import { fixture } from './harness/replay.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream(async (call) => {
    const isFirst = !call.body.includes('functionResponse');
    if (call.path.includes(':generateContent')) {
      const name = isFirst ? 'gemini-native-tool-calls-json' : 'gemini-native-json';
      await replyJson(call, fixture(name).toString());
      return;
    }
    await beginSse(call);
    await call.send(fixture(isFirst ? 'gemini-native-tool-calls' : 'gemini-native-stream'));
    call.end();
  });
  gateway = await startGateway(`
catalogue: replace
upstreams: { google: { kind: gemini, base_url: ${upstream.url}, api_key: google-secret-key } }
models: { gemini: { targets: [{ upstream: google, model: gemini-3.1-pro-preview }] } }
`);
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

test('the AI SDK goes round by tools of Gemini, streamed and not, and sends the signatures back', async () => {
  const provider = createOpenAICompatible({
    name: 'gateway',
    baseURL: `${gateway.url}/v1`,
    apiKey: TOKEN,
    includeUsage: true,
  });
  const asked = {
    model: provider('gemini'),
    tools: {
      get_weather: tool({
        inputSchema: jsonSchema<{ city: string }>({
          type: 'object',
          properties: { city: { type: 'string' } },
        }),
        execute: ({ city }) => Promise.resolve({ city, celsius: 12 }),
      }),
    },
    prompt: 'What is the weather?',
    stopWhen: isStepCount(3),
  };
  const generated = await generateText(asked);
  expect(generated.text).toBe('Rome, ü.');
  expect(upstream.calls.at(-1)?.body).toContain('"thoughtSignature":"EtKoeln=="');

  const streamed = streamText(asked);
  expect(await streamed.text).toBe('Grüße 😀');
  expect(await streamed.reasoningText).toContain('A short hello, ü.');
  expect((await streamed.usage).inputTokenDetails.cacheReadTokens).toBe(2048);
  expect(upstream.calls.at(-1)?.body).toContain('"thoughtSignature":"EjQKMgFyyNp8+zP/abc=="');
});
