// LangChain's model for OpenAI.
import { AIMessageChunk, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
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
  weatherResult,
} from './checks.mjs';

const chat = (model, more = {}) =>
  new ChatOpenAI({ model, apiKey, configuration: { baseURL }, maxRetries: 2, ...more });
const model = chat('demo');
const getWeather = tool(() => weatherResult, {
  name: weather.name,
  description: weather.description,
  schema: weather.parameters,
});

async function streamed(from, input) {
  let whole = new AIMessageChunk({ content: '' });
  for await (const chunk of await from.stream(input)) whole = whole.concat(chunk);
  return whole;
}

await check('whole', async () => {
  const reply = await model.invoke(question);
  assert.match(reply.content, /Paris/);
  assert.ok(reply.usage_metadata.total_tokens > 0);
});

await check('stream, with usage', async () => {
  const reply = await streamed(model, question);
  assert.match(reply.content, /Paris/);
  assert.ok(reply.usage_metadata.output_tokens > 0);
});

await check('tools, whole and streamed', async () => {
  const armed = model.bindTools([getWeather]);
  const asked = [new HumanMessage(weatherQuestion)];
  for (const called of [await armed.invoke(asked), await streamed(armed, asked)]) {
    const [call] = called.tool_calls;
    assert.deepEqual(call.args, { city: 'Paris' });
    const result = new ToolMessage({ tool_call_id: call.id, content: weatherResult });
    const reply = await armed.invoke([...asked, called, result]);
    assert.match(reply.content, /23/);
  }
});

await check('JSON by schema, by format and by function', async () => {
  const schema = { title: 'capital', description: 'The capital', ...capitalSchema };
  for (const method of ['jsonSchema', 'jsonMode', 'functionCalling']) {
    const reply = await model
      .withStructuredOutput(schema, { method })
      .invoke(`${question} Answer in JSON with the key "capital".`);
    assert.deepEqual(Object.keys(reply), ['capital'], method);
  }
});

await check('image', async () => {
  const content = [
    { type: 'text', text: 'What is in this picture?' },
    { type: 'image_url', image_url: { url: picture } },
  ];
  const reply = await model.invoke([new HumanMessage({ content })]);
  assert.match(reply.content, /1 ?[x×] ?1/);
});

await check('an unknown model is a 400', async () => {
  const error = await failure(() => chat('nobody').invoke(question));
  assert.equal(error.status, 400);
  assert.equal(error.code, 'model_not_in_allowlist');
});

await check('a refusal is an error', async () => {
  assert.equal((await failure(() => chat('refused').invoke(question))).status, 422);
});

await check('a busy model is tried again', async () => {
  assert.equal((await failure(() => chat('busy').invoke(question))).status, 429);
});

await check('a broken stream is an error', async () => {
  const error = await failure(() => streamed(chat('broken', { maxRetries: 0 }), question));
  assert.match(error.message, /stopped before its answer/);
});

await check('text of vLLM, llama.cpp and OpenRouter', async () => {
  for (const name of ['vllm-text', 'llama-text', 'openrouter-text']) {
    assert.ok((await streamed(chat(name), question)).content.length > 3, name);
  }
});

await check('tool calls of vLLM and of Gemini, which have no index', async () => {
  for (const [name, cities] of [
    ['vllm-tools', ['Köln']],
    ['gemini-tools', ['Paris', 'Rome']],
  ]) {
    const reply = await streamed(chat(name).bindTools([getWeather]), question);
    assert.deepEqual(
      reply.tool_calls.map(({ args }) => args.city),
      cities,
    );
  }
});
