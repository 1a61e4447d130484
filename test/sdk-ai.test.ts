// Vercel's AI SDK, which checks every chunk against a schema, against the gateway in front of the demo engine.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import {
  APICallError,
  generateText,
  isStepCount,
  jsonSchema,
  Output,
  streamText,
  tool,
  type LanguageModel,
} from 'ai';
import { startDemoGateway, type DemoGateway } from './harness/demo-gateway.ts';
import { beginSse, chunk, replyJson, sse } from './harness/fake-upstream.ts';
import { TOKEN } from './harness/gateway.ts';
import { fixture } from './harness/replay.ts';

let demo: DemoGateway;
let model: LanguageModel;
let flaky: LanguageModel;
beforeAll(async () => {
  demo = await startDemoGateway();
  const provider = createOpenAICompatible({
    name: 'gateway',
    baseURL: `${demo.gateway.url}/v1`,
    apiKey: TOKEN,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
  model = provider('demo');
  flaky = provider('flaky');
});
afterAll(() => demo.close());

const prompt = 'What is the capital of France?';
const weather = {
  description: 'The weather in a city',
  inputSchema: jsonSchema<{ city: string }>({
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  }),
};
const tools = {
  get_weather: tool({
    ...weather,
    execute: ({ city }) => Promise.resolve({ city, celsius: 23 }),
  }),
};

describe('the AI SDK', () => {
  test('generates text', async () => {
    const { text, finishReason, usage } = await generateText({ model, prompt });
    expect(text).toContain('Paris');
    expect(finishReason).toBe('stop');
    expect(usage.totalTokens).toBeGreaterThan(0);
  });

  test('streams text, with its parts in order and the usage at the end', async () => {
    const result = streamText({ model, prompt });
    const parts: string[] = [];
    for await (const part of result.fullStream) {
      if (parts.at(-1) !== part.type) parts.push(part.type);
    }
    expect(parts).toEqual([
      'start',
      'start-step',
      'text-start',
      'text-delta',
      'text-end',
      'finish-step',
      'finish',
    ]);
    expect(await result.text).toContain('Paris');
    expect((await result.usage).outputTokens).toBeGreaterThan(0);
  });

  test('goes round by a tool and answers with its result, streamed and not', async () => {
    const asked = {
      model,
      tools,
      prompt: 'What is the weather in Paris?',
      stopWhen: isStepCount(3),
    };
    const generated = await generateText(asked);
    expect(generated.steps).toHaveLength(2);
    expect(generated.steps[0]?.toolCalls[0]?.input).toEqual({ city: 'Paris' });
    expect(generated.text).toContain('23');
    const streamed = streamText(asked);
    expect(await streamed.text).toContain('23');
    expect(await streamed.steps).toHaveLength(2);
  });

  test('generates an object of the asked shape', async () => {
    const schema = jsonSchema<{ capital: string }>({
      type: 'object',
      properties: { capital: { type: 'string' } },
      required: ['capital'],
      additionalProperties: false,
    });
    const { output } = await generateText({ model, prompt, output: Output.object({ schema }) });
    expect(output).toEqual({ capital: expect.any(String) });
    const streamed = streamText({ model, prompt, output: Output.object({ schema }) });
    expect(await streamed.output).toEqual(output);
  });

  test('reads reasoning, tool calls without an index, and comments between chunks', async () => {
    for (const [name, types] of [
      ['vllm-stream', ['reasoning-delta', 'text-delta']],
      ['gemini-tool-calls', ['tool-call']],
      ['openrouter-stream', ['text-delta']],
      ['llama-cpp-stream', ['text-delta']],
    ] as const) {
      demo.flaky.script = async (call) => {
        await beginSse(call);
        await call.send(fixture(name));
        call.end();
      };
      const seen = new Set<string>();
      const result = streamText({ model: flaky, prompt, tools: { get_weather: tool(weather) } });
      for await (const part of result.fullStream) seen.add(part.type);
      for (const type of types) expect(seen).toContain(type);
      expect([name, seen.has('error')]).toEqual([name, false]);
    }
  });
});

describe('what goes wrong is, to the AI SDK,', () => {
  test('an APICallError with our envelope and status', async () => {
    demo.flaky.script = (call) => replyJson(call, { detail: 'no such thing' }, { status: 422 });
    const error: unknown = await generateText({ model: flaky, prompt }).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    if (!APICallError.isInstance(error)) throw new Error('not an APICallError');
    expect(error.statusCode).toBe(422);
    expect(error.isRetryable).toBe(false);
    expect(error.message).toContain('no such thing');
    expect(error.responseBody).toContain('"code":"upstream_rejected"');
  });

  test('an error part when a stream breaks off, after what had come', async () => {
    demo.flaky.script = async (call) => {
      await beginSse(call);
      await call.send(sse(chunk({ role: 'assistant', content: 'Hello' })));
      call.end();
    };
    const parts: { type: string; error?: unknown }[] = [];
    const result = streamText({ model: flaky, prompt, maxRetries: 0, onError: () => undefined });
    for await (const part of result.fullStream) parts.push(part);
    expect(parts.some(({ type }) => type === 'text-delta')).toBe(true);
    const failed = parts.find(({ type }) => type === 'error');
    expect(JSON.stringify(failed?.error) + String(failed?.error)).toContain(
      'stopped before its answer',
    );
  });
});
