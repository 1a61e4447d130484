// LlamaIndex' model for OpenAI, by itself and under its agent.
import { OpenAI } from '@llamaindex/openai';
import { agent } from '@llamaindex/workflow';
import { tool } from 'llamaindex';
import {
  apiKey,
  assert,
  baseURL,
  check,
  failure,
  picture,
  question,
  weather,
  weatherQuestion,
} from './checks.mjs';

const llm = (model, more = {}) => new OpenAI({ model, apiKey, baseURL, maxRetries: 2, ...more });
const messages = [{ role: 'user', content: question }];

async function streamed(model, more = {}) {
  let text = '';
  const stream = await llm(model).chat({ messages, stream: true, ...more });
  for await (const { delta } of stream) text += delta;
  return text;
}

await check('whole', async () => {
  const { message, raw } = await llm('demo').chat({ messages });
  assert.match(message.content, /Paris/);
  assert.ok(raw.usage.total_tokens > 0);
});

await check('stream', async () => assert.match(await streamed('demo'), /Paris/));

await check('an agent with a tool', async () => {
  const ran = [];
  const getWeather = tool({
    name: weather.name,
    description: weather.description,
    parameters: weather.parameters,
    execute: (given) => {
      ran.push(given);
      return { celsius: 23 };
    },
  });
  const run = await agent({ llm: llm('demo'), tools: [getWeather] }).run(weatherQuestion);
  assert.deepEqual(ran, [{ city: 'Paris' }]);
  assert.match(String(run.data.result), /23/);
});

await check('JSON object', async () => {
  const responseFormat = { type: 'json_object' };
  const { message } = await llm('demo').chat({ messages, responseFormat });
  assert.equal(typeof JSON.parse(message.content), 'object');
});

await check('image', async () => {
  const content = [
    { type: 'text', text: 'What is in this picture?' },
    { type: 'image_url', image_url: { url: picture } },
  ];
  const { message } = await llm('demo').chat({ messages: [{ role: 'user', content }] });
  assert.match(message.content, /1 ?[x×] ?1/);
});

await check('an unknown model is a 400', async () => {
  const error = await failure(() => llm('nobody').chat({ messages }));
  assert.equal(error.status, 400);
  assert.equal(error.code, 'model_not_in_allowlist');
});

await check('a refusal is not tried again', async () => {
  assert.equal((await failure(() => llm('refused').chat({ messages }))).status, 422);
});

await check('a busy model is tried again', async () => {
  assert.equal((await failure(() => llm('busy').chat({ messages }))).status, 429);
});

await check('a broken stream is an error', async () => {
  assert.match((await failure(() => streamed('broken'))).message, /stopped before its answer/);
});

await check('text of vLLM, llama.cpp and OpenRouter', async () => {
  for (const name of ['vllm-text', 'llama-text', 'openrouter-text']) {
    assert.ok((await streamed(name)).length > 3, name);
  }
});
