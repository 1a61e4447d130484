// Vercel's AI SDK with its provider for compatible servers.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, isStepCount, jsonSchema, Output, streamText, tool } from 'ai';
import {
  apiKey,
  assert,
  baseURL,
  capitalSchema,
  check,
  failure,
  picture,
  question,
  weather,
  weatherQuestion,
} from './checks.mjs';

const provider = createOpenAICompatible({
  name: 'gateway',
  baseURL,
  apiKey,
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const model = provider('demo');
const prompt = question;
const tools = {
  get_weather: tool({
    description: weather.description,
    inputSchema: jsonSchema(weather.parameters),
    execute: ({ city }) => ({ city, celsius: 23 }),
  }),
};

await check('whole', async () => {
  const { text, finishReason, usage } = await generateText({ model, prompt });
  assert.match(text, /Paris/);
  assert.equal(finishReason, 'stop');
  assert.ok(usage.totalTokens > 0);
});

await check('stream, with usage', async () => {
  const result = streamText({ model, prompt });
  for await (const { type, error } of result.fullStream) assert.notEqual(type, 'error', error);
  assert.match(await result.text, /Paris/);
  assert.ok((await result.usage).outputTokens > 0);
});

await check('tools, whole and streamed', async () => {
  const asked = { model, tools, prompt: weatherQuestion, stopWhen: isStepCount(3) };
  assert.match((await generateText(asked)).text, /23/);
  assert.match(await streamText(asked).text, /23/);
});

await check('JSON by schema', async () => {
  const output = Output.object({ schema: jsonSchema(capitalSchema) });
  const reply = await generateText({ model, prompt, output });
  assert.deepEqual(Object.keys(reply.output), ['capital']);
});

await check('image', async () => {
  const content = [
    { type: 'text', text: 'What is in this picture?' },
    { type: 'file', data: picture, mediaType: 'image/png' },
  ];
  const { text } = await generateText({ model, messages: [{ role: 'user', content }] });
  assert.match(text, /1 ?[x×] ?1/);
});

await check('an unknown model is a 400', async () => {
  const error = await failure(() => generateText({ model: provider('nobody'), prompt }));
  assert.equal(error.statusCode, 400);
  assert.match(error.responseBody, /model_not_in_allowlist/);
});

await check('a refusal is not tried again', async () => {
  const error = await failure(() => generateText({ model: provider('refused'), prompt }));
  assert.equal(error.statusCode, 422);
});

await check('a busy model is tried again', async () => {
  const error = await failure(() => generateText({ model: provider('busy'), prompt }));
  assert.equal(error.lastError.statusCode, 429);
});

await check('a broken stream is an error', async () => {
  const types = [];
  const result = streamText({ model: provider('broken'), prompt, onError: () => undefined });
  for await (const { type } of result.fullStream) types.push(type);
  assert.ok(types.includes('text-delta'));
  assert.ok(types.includes('error'));
});

await check('text and reasoning of vLLM, llama.cpp and OpenRouter', async () => {
  for (const name of ['vllm-text', 'llama-text', 'openrouter-text']) {
    const result = streamText({ model: provider(name), prompt });
    const types = new Set();
    for await (const { type } of result.fullStream) types.add(type);
    assert.ok(types.has('text-delta') && !types.has('error'), name);
    if (name !== 'llama-text') assert.ok(types.has('reasoning-delta'), name);
  }
});

await check('tool calls of vLLM and of Gemini, which have no index', async () => {
  const { get_weather } = tools;
  for (const [name, cities] of [
    ['vllm-tools', ['Köln']],
    ['gemini-tools', ['Paris', 'Rome']],
  ]) {
    const result = streamText({ model: provider(name), prompt, tools: { get_weather } });
    const calls = await result.toolCalls;
    assert.deepEqual(
      calls.map(({ input }) => input.city),
      cities,
    );
  }
});
