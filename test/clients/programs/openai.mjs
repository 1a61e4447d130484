// The official SDK for Node.
import OpenAI from 'openai';
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

const client = new OpenAI({ baseURL, apiKey });
const messages = [{ role: 'user', content: question }];
const tools = [{ type: 'function', function: weather }];
const create = (body) => client.chat.completions.create({ model: 'demo', messages, ...body });

await check('models', async () => {
  const models = await Array.fromAsync(await client.models.list());
  assert.ok(models.some(({ id }) => id === 'demo'));
  assert.equal((await client.models.retrieve('demo')).id, 'demo');
});

await check('whole', async () => {
  const reply = await create({});
  assert.match(reply.choices[0].message.content, /Paris/);
  assert.ok(reply.usage.total_tokens > 0);
  assert.match(reply._request_id, /^req_/);
});

await check('stream', async () => {
  const chunks = await Array.fromAsync(await create({ stream: true }));
  assert.ok(chunks.every(({ usage }) => !usage));
  const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('');
  assert.match(text, /Paris/);
});

await check('usage in the stream', async () => {
  const chunks = await Array.fromAsync(
    await create({ stream: true, stream_options: { include_usage: true } }),
  );
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.ok(chunks.at(-1).usage.completion_tokens > 0);
});

await check('tools', async () => {
  const asked = [{ role: 'user', content: weatherQuestion }];
  const { message } = (await create({ messages: asked, tools })).choices[0];
  const [call] = message.tool_calls;
  assert.deepEqual(JSON.parse(call.function.arguments), { city: 'Paris' });
  const result = { role: 'tool', tool_call_id: call.id, content: weatherResult };
  const reply = await create({ messages: [...asked, message, result], tools });
  assert.match(reply.choices[0].message.content, /23/);
});

await check('tools, streamed by the helper', async () => {
  const ran = [];
  const runner = client.chat.completions.runTools({
    model: 'demo',
    stream: true,
    messages: [{ role: 'user', content: weatherQuestion }],
    tools: [
      {
        type: 'function',
        function: {
          ...weather,
          parse: JSON.parse,
          function: (given) => {
            ran.push(given);
            return weatherResult;
          },
        },
      },
    ],
  });
  assert.match(await runner.finalContent(), /23/);
  assert.deepEqual(ran, [{ city: 'Paris' }]);
});

await check('JSON object', async () => {
  const reply = await create({ response_format: { type: 'json_object' } });
  assert.equal(typeof JSON.parse(reply.choices[0].message.content), 'object');
});

await check('JSON by schema', async () => {
  const json_schema = { name: 'capital', strict: true, schema: capitalSchema };
  const reply = await client.chat.completions.parse({
    model: 'demo',
    messages,
    response_format: { type: 'json_schema', json_schema },
  });
  assert.deepEqual(Object.keys(JSON.parse(reply.choices[0].message.content)), ['capital']);
});

await check('image', async () => {
  const content = [
    { type: 'text', text: 'What is in this picture?' },
    { type: 'image_url', image_url: { url: picture } },
  ];
  const reply = await create({ messages: [{ role: 'user', content }] });
  assert.match(reply.choices[0].message.content, /1 ?[x×] ?1/);
});

await check('a wrong key is an AuthenticationError', async () => {
  const stranger = new OpenAI({ baseURL, apiKey: 'wrong' });
  const error = await failure(() => stranger.chat.completions.create({ model: 'demo', messages }));
  assert.ok(error instanceof OpenAI.AuthenticationError);
  assert.equal(error.code, 'invalid_authorization');
});

await check('an unknown model is a BadRequestError', async () => {
  const error = await failure(() => create({ model: 'nobody' }));
  assert.ok(error instanceof OpenAI.BadRequestError);
  assert.equal(error.code, 'model_not_in_allowlist');
});

await check('a refusal is not tried again', async () => {
  const error = await failure(() => create({ model: 'refused' }));
  assert.equal(error.status, 422);
  assert.match(error.message, /No such thing/);
});

await check('a busy model is tried again', async () => {
  const error = await failure(() => create({ model: 'busy' }));
  assert.ok(error instanceof OpenAI.RateLimitError);
  assert.equal(error.code, 'upstream_rate_limited');
});

await check('a broken stream is an error', async () => {
  let text = '';
  const error = await failure(async () => {
    const asked = { model: 'broken', messages, stream: true };
    const stream = await client.chat.completions.create(asked);
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  });
  assert.ok(error instanceof OpenAI.APIError);
  assert.equal(error.code, 'upstream_interrupted');
  assert.equal(text, 'Half an ');
});

await check('text of vLLM, llama.cpp and OpenRouter', async () => {
  for (const model of ['vllm-text', 'llama-text', 'openrouter-text']) {
    const reply = await client.chat.completions.stream({ model, messages }).finalChatCompletion();
    assert.ok(reply.choices[0].message.content.length > 3, model);
  }
});

await check('tool calls of vLLM', async () => {
  const stream = client.chat.completions.stream({ model: 'vllm-tools', messages, tools });
  const { message } = (await stream.finalChatCompletion()).choices[0];
  assert.deepEqual(JSON.parse(message.tool_calls[0].function.arguments), { city: 'Köln' });
});

await check('tool calls of Gemini, which have no index', async () => {
  const stream = client.chat.completions.stream({ model: 'gemini-tools', messages, tools });
  const { message } = (await stream.finalChatCompletion()).choices[0];
  assert.deepEqual(
    message.tool_calls.map(({ function: fn }) => fn.arguments),
    ['{"city":"Paris"}', '{"city":"Rome"}'],
  );
});
