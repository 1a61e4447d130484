// The official OpenAI SDK against the gateway in front of the demo engine: what its users rely on.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import OpenAI from 'openai';
import { startDemoGateway, type DemoGateway } from './harness/demo-gateway.ts';
import { beginSse, chunk, sse } from './harness/fake-upstream.ts';
import { TOKEN } from './harness/gateway.ts';
import { fixture } from './harness/replay.ts';

let demo: DemoGateway;
let client: OpenAI;
beforeAll(async () => {
  demo = await startDemoGateway();
  client = new OpenAI({ baseURL: `${demo.gateway.url}/v1`, apiKey: TOKEN });
});
afterAll(() => demo.close());

const QUESTION = [{ role: 'user' as const, content: 'What is the capital of France?' }];
const CITY = {
  type: 'object' as const,
  properties: { city: { type: 'string' as const } },
  required: ['city'],
};
const WEATHER: OpenAI.ChatCompletionTool = {
  type: 'function',
  function: { name: 'get_weather', description: 'The weather in a city', parameters: CITY },
};
const ASK_WEATHER = {
  model: 'demo',
  messages: [{ role: 'user' as const, content: 'What is the weather in Paris?' }],
  tools: [WEATHER],
};

describe('the OpenAI SDK', () => {
  test('completes a chat and knows its request id', async () => {
    const { data, request_id, response } = await client.chat.completions
      .create({ model: 'demo', messages: QUESTION })
      .withResponse();
    expect(data.choices[0]?.message.content).toContain('Paris');
    expect(data.choices[0]?.finish_reason).toBe('stop');
    expect(data.model).toBe('demo');
    expect(data.usage?.total_tokens).toBeGreaterThan(0);
    expect(Reflect.get(data, '_request_id')).toBe(request_id);
    expect(request_id).toBe(response.headers.get('x-request-id'));
  });

  test('streams a chat, with the usage in a last chunk when it asks for it', async () => {
    const stream = await client.chat.completions.create({
      model: 'demo',
      messages: QUESTION,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let last: OpenAI.ChatCompletionChunk | undefined;
    for await (const event of stream) {
      text += event.choices[0]?.delta.content ?? '';
      last = event;
    }
    expect(text).toContain('Paris');
    expect(last?.choices).toEqual([]);
    expect(last?.usage?.completion_tokens).toBeGreaterThan(0);
  });

  test('calls tools, streamed and not, and answers with their results', async () => {
    const asked = await client.chat.completions.create(ASK_WEATHER);
    const message = asked.choices[0]?.message;
    const [call] = message?.tool_calls ?? [];
    if (call?.type !== 'function' || !message) throw new Error('no tool was called');
    expect(asked.choices[0]?.finish_reason).toBe('tool_calls');
    expect(call.function.name).toBe('get_weather');
    expect(JSON.parse(call.function.arguments)).toEqual({ city: 'Paris' });

    const streamed = await client.chat.completions.stream(ASK_WEATHER).finalChatCompletion();
    expect(streamed.choices[0]?.message.tool_calls).toMatchObject([{ function: call.function }]);

    const answered = await client.chat.completions.create({
      ...ASK_WEATHER,
      messages: [
        ...ASK_WEATHER.messages,
        message,
        { role: 'tool', tool_call_id: call.id, content: '{"celsius": 17, "sky": "cloudy"}' },
      ],
    });
    expect(answered.choices[0]?.message.content).toContain('17');
  });

  test('runs a tool loop of its own', async () => {
    const runner = client.chat.completions.runTools({
      model: 'demo',
      messages: ASK_WEATHER.messages,
      stream: true,
      tools: [
        {
          type: 'function',
          function: {
            name: 'get_weather',
            description: 'The weather in a city',
            parameters: CITY,
            parse: (text: string) => JSON.parse(text) as { city: string },
            function: ({ city }: { city: string }) => ({ city, celsius: 23 }),
          },
        },
      ],
    });
    expect(await runner.finalContent()).toContain('23');
  });

  test('gets JSON in JSON mode, and of the asked shape with a schema', async () => {
    const free = await client.chat.completions.create({
      model: 'demo',
      messages: [
        { role: 'user', content: 'The capital of France, as JSON with the key "capital".' },
      ],
      response_format: { type: 'json_object' },
    });
    expect(JSON.parse(free.choices[0]?.message.content ?? '')).toHaveProperty('capital');
    const shaped = await client.chat.completions.parse({
      model: 'demo',
      messages: QUESTION,
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'capital',
          strict: true,
          schema: {
            type: 'object',
            properties: { capital: { type: 'string' }, sure: { type: 'boolean' } },
            required: ['capital', 'sure'],
            additionalProperties: false,
          },
        },
      },
    });
    expect(shaped.choices[0]?.message.parsed).toEqual({
      capital: expect.any(String),
      sure: expect.any(Boolean),
    });
  });

  test('sends an image', async () => {
    const png =
      fixture('openrouter-image')
        .toString()
        .match(/data:image\/png[^"]+/)?.[0] ?? '';
    const { choices } = await client.chat.completions.create({
      model: 'demo',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is in this image?' },
            { type: 'image_url', image_url: { url: png } },
          ],
        },
      ],
    });
    expect(choices[0]?.message.content).toMatch(/1\s?[x×]\s?1/);
  });

  test('lists the models and finds one', async () => {
    const names: string[] = [];
    for await (const model of client.models.list()) names.push(model.id);
    expect(names).toEqual(['demo', 'flaky']);
    expect(await client.models.retrieve('demo')).toMatchObject({ id: 'demo', object: 'model' });
  });

  test('ends the upstream’s work when it aborts a stream', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    demo.flaky.script = async (call) => {
      void call.closed.then(resolve);
      await beginSse(call);
      await call.send(sse(chunk({ role: 'assistant', content: 'Hello' })));
    };
    const stream = await client.chat.completions.create({
      model: 'flaky',
      messages: QUESTION,
      stream: true,
    });
    for await (const _ of stream) stream.controller.abort();
    await closed;
  });
});
