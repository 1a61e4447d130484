import { afterAll, describe, expect, test } from 'bun:test';

import { startDemoEngine } from './engine.ts';
import { isObject, type Json, type JsonObject, listOf } from './json.ts';
import { patternDataUri } from './png.ts';

const engine = startDemoEngine({ tokenDelayMs: 0 });
afterAll(() => engine.close());

const user = (content: Json): JsonObject => ({ role: 'user', content });
const assistant = (content: Json): JsonObject => ({ role: 'assistant', content });

function post(body: Json, init: RequestInit = {}): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return fetch(`${engine.url}/chat/completions`, { method: 'POST', body: text, ...init });
}

async function chat(messages: readonly JsonObject[], more: JsonObject = {}): Promise<JsonObject> {
  const reply: Json = JSON.parse(await (await post({ model: 'demo', messages, ...more })).text());
  return isObject(reply) ? reply : {};
}

async function stream(messages: readonly JsonObject[], more: JsonObject = {}): Promise<string[]> {
  const response = await post({ model: 'demo', messages, stream: true, ...more });
  expect(response.headers.get('content-type')).toStartWith('text/event-stream');
  return dataOf(await response.text());
}

function dataOf(text: string): string[] {
  return text
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => event.replace(/^data: /, ''));
}

/** The value at a path of names and indexes. */
function at(value: Json | undefined, ...path: (string | number)[]): Json | undefined {
  let found = value;
  for (const step of path) {
    found =
      typeof step === 'number' ? listOf(found)[step] : isObject(found) ? found[step] : undefined;
  }
  return found;
}

/** The string at a path; empty where there is none. */
function textAt(value: Json | undefined, ...path: (string | number)[]): string {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : '';
}

/** What the chunks of a stream say, put together. */
const said = (chunks: readonly Json[]): string =>
  chunks.map((chunk) => textAt(chunk, 'choices', 0, 'delta', 'content')).join('');
const content = (reply: Json): string => textAt(reply, 'choices', 0, 'message', 'content');
const usage = (reply: Json, name: string): number => Number(at(reply, 'usage', name));
const cached = (reply: Json): number =>
  Number(at(reply, 'usage', 'prompt_tokens_details', 'cached_tokens'));
const parsed = (text: string): Json => JSON.parse(text);

describe('one reply', () => {
  test('the quickstart gets its answer in the shape of a chat.completion', async () => {
    const reply = await chat([user('In one word: capital of Italy?')], {
      model: 'llama-4-scout',
      max_tokens: 30,
    });
    expect(reply).toEqual({
      id: expect.stringMatching(/^chatcmpl-/),
      object: 'chat.completion',
      created: expect.any(Number),
      model: 'llama-4-scout',
      system_fingerprint: 'demo-engine',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Rome.', refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: {
        prompt_tokens: expect.any(Number),
        completion_tokens: 2,
        total_tokens: usage(reply, 'prompt_tokens') + 2,
        prompt_tokens_details: { cached_tokens: 0 },
      },
    });
  });

  test('content may be a string, parts or null, and several system messages are fine', async () => {
    const reply = await chat([
      { role: 'system', content: 'Be kind.' },
      { role: 'developer', content: [{ type: 'text', text: 'Answer in one word.' }] },
      assistant(null),
      user([
        { type: 'text', text: 'What is the capital' },
        { type: 'text', text: 'of Japan?' },
      ]),
    ]);
    expect(content(reply)).toBe('Tokyo.');
  });

  test('max_tokens cuts the answer there and says so', async () => {
    for (const field of ['max_tokens', 'max_completion_tokens']) {
      const reply = await chat([user('Count from 1 to 50')], { [field]: 7 });
      expect(content(reply)).toBe('1, 2, 3, 4');
      expect(at(reply, 'choices', 0, 'finish_reason')).toBe('length');
      expect(usage(reply, 'completion_tokens')).toBe(7);
    }
  });

  test('the answer ends before a stop sequence, and streams the same', async () => {
    for (const stop of ['5', ['never', ' 5']]) {
      const reply = await chat([user('Count from 1 to 50')], { stop });
      expect(content(reply).trimEnd()).toBe('1, 2, 3, 4,');
      expect(at(reply, 'choices', 0, 'finish_reason')).toBe('stop');
      const chunks = (await stream([user('Count from 1 to 50')], { stop }))
        .slice(0, -1)
        .map(parsed);
      const joined = said(chunks);
      expect(joined).toBe(content(reply));
    }
  });

  test('n choices are given and counted', async () => {
    const reply = await chat([user('Say pong')], { n: 3 });
    expect(listOf(reply['choices']).map((choice) => at(choice, 'index'))).toEqual([0, 1, 2]);
    expect(usage(reply, 'completion_tokens')).toBe(3);
  });
});

describe('streams', () => {
  test('a stream is a role, one token per chunk, a finish, and [DONE]', async () => {
    const events = await stream([user('What is the capital of France?')]);
    expect(events.at(-1)).toBe('[DONE]');
    const chunks = events.slice(0, -1).map(parsed);
    const deltas = chunks.map((chunk) => at(chunk, 'choices', 0, 'delta'));
    expect(deltas[0]).toEqual({ role: 'assistant', content: '' });
    expect(deltas.slice(1, -1).map((delta) => at(delta, 'content'))).toEqual([
      'The',
      ' capital',
      ' of',
      ' France',
      ' is',
      ' Paris',
      '.',
    ]);
    expect(deltas.at(-1)).toEqual({});
    expect(
      chunks
        .map((chunk) => at(chunk, 'choices', 0, 'finish_reason'))
        .filter((reason) => reason !== null),
    ).toEqual(['stop']);
    expect(
      chunks.every(
        (chunk) =>
          at(chunk, 'object') === 'chat.completion.chunk' && at(chunk, 'usage') === undefined,
      ),
    ).toBe(true);
  });

  test('usage comes in a chunk without choices when it was asked for', async () => {
    const events = await stream([user('Say pong')], { stream_options: { include_usage: true } });
    const last = parsed(events.at(-2) ?? '');
    expect(at(last, 'choices')).toEqual([]);
    expect(usage(last, 'completion_tokens')).toBe(1);
    expect(at(parsed(events[0] ?? ''), 'usage')).toBeNull();
  });

  test('the choices of a stream come side by side', async () => {
    const chunks = (await stream([user('Say a b')], { n: 2 })).slice(0, -1).map(parsed);
    const indexes = chunks.map((chunk) => at(chunk, 'choices', 0, 'index'));
    expect(indexes).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
  });

  test('any text comes through a stream unharmed', async () => {
    const text = 'line\nline "quoted" \\ 日本語 👩‍💻 e\u0301 \u2028 data: [DONE] \u0000 end';
    const chunks = (await stream([user(`Repeat after me: ${text}`)])).slice(0, -1).map(parsed);
    expect(said(chunks)).toBe(text);
  });

  test('500 streams at the same time all complete', async () => {
    const replies = await Promise.all(
      Array.from({ length: 500 }, () => rawStream('Count from 1 to 20')),
    );
    expect(replies.every((reply) => reply.includes('data: [DONE]'))).toBe(true);
  });
});

describe('the prefix cache', () => {
  const story = 'My favourite colour is teal, and here is a long story about it. '.repeat(8);

  test("a turn that extends the turn before hits that turn's prompt and answer", async () => {
    const first = await chat([user(story)], { cache_salt: 'extends' });
    expect(cached(first)).toBe(0);
    const history = [user(story), assistant(content(first)), user('What is my favourite colour?')];
    const second = await chat(history, { cache_salt: 'extends' });
    const known = usage(first, 'total_tokens');
    expect(cached(second)).toBeGreaterThan(known - 16);
    expect(cached(second)).toBeLessThanOrEqual(known + 2);
    expect(cached(second) % 16).toBe(0);
  });

  test('repeating a request hits, but never on the whole prompt', async () => {
    await chat([user(story)], { cache_salt: 'repeats' });
    const again = await chat([user(story)], { cache_salt: 'repeats' });
    expect(cached(again)).toBe(Math.floor((usage(again, 'prompt_tokens') - 1) / 16) * 16);
  });

  test('another salt, model, tool list or first message hits nothing', async () => {
    await chat([user(story)], { cache_salt: 'differs' });
    const tools = [{ type: 'function', function: { name: 'noop' } }];
    expect(cached(await chat([user(story)], { cache_salt: 'else' }))).toBe(0);
    expect(cached(await chat([user(story)], { cache_salt: 'differs', model: 'other' }))).toBe(0);
    expect(cached(await chat([user(story)], { cache_salt: 'differs', tools }))).toBe(0);
    expect(
      cached(
        await chat([{ role: 'system', content: 'New.' }, user(story)], { cache_salt: 'differs' }),
      ),
    ).toBe(0);
  });

  test('an answer that was cut off is cached as far as it was given', async () => {
    const question = user('Count from 1 to 200');
    const cut = await chat([question], { cache_salt: 'cut', max_tokens: 101 });
    const history = [question, assistant(content(cut)), user('Go on.')];
    expect(cached(await chat(history, { cache_salt: 'cut' }))).toBeGreaterThan(
      usage(cut, 'total_tokens') - 16,
    );
  });
});

const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};

describe('tools', () => {
  test('a tool call streams as a head and argument fragments, as the whole reply has it', async () => {
    const messages = [user('What is the weather in Paris?')];
    const reply = await chat(messages, { tools: [weather] });
    expect(at(reply, 'choices', 0, 'finish_reason')).toBe('tool_calls');
    expect(at(reply, 'choices', 0, 'message')).toEqual({
      role: 'assistant',
      content: null,
      refusal: null,
      tool_calls: [
        {
          id: expect.stringMatching(/^call_/),
          type: 'function',
          function: { name: 'get_weather', arguments: '{"city":"Paris"}' },
        },
      ],
    });
    const chunks = (await stream(messages, { tools: [weather] })).slice(0, -1).map(parsed);
    const parts = chunks
      .map((chunk) => at(chunk, 'choices', 0, 'delta', 'tool_calls', 0))
      .filter(isObject);
    expect(parts[0]).toMatchObject({
      index: 0,
      type: 'function',
      function: { name: 'get_weather', arguments: '' },
    });
    expect(
      parts
        .slice(1)
        .map((part) => textAt(part, 'function', 'arguments'))
        .join(''),
    ).toBe('{"city":"Paris"}');
    expect(at(chunks.at(-1), 'choices', 0, 'finish_reason')).toBe('tool_calls');
  });

  test('tool results are answered in words, and the turn hits the cache', async () => {
    const messages = [user(`What is the weather in Paris? ${'Please. '.repeat(40)}`)];
    const called = await chat(messages, { tools: [weather] });
    const id = at(called, 'choices', 0, 'message', 'tool_calls', 0, 'id') ?? null;
    const result = { role: 'tool', tool_call_id: id, content: '{"temperature":21,"sky":"clear"}' };
    const message = at(called, 'choices', 0, 'message') ?? null;
    const history = [...messages, ...(isObject(message) ? [message] : []), result];
    const reply = await chat(history, { tools: [weather] });
    expect(content(reply)).toBe('According to get_weather: temperature: 21, sky: clear.');
    expect(cached(reply)).toBeGreaterThan(usage(called, 'total_tokens') - 16);
  });
});

describe('JSON and images', () => {
  test('json_object gives an object with the answer, json_schema a value of the schema', async () => {
    const free = await chat([user('In one word: capital of Italy?')], {
      response_format: { type: 'json_object' },
    });
    expect(content(free)).toBe('{"answer":"Rome"}');
    const schema = {
      type: 'object',
      properties: {
        country: { type: 'string' },
        capital: { type: 'string' },
        sure: { type: 'boolean' },
      },
      required: ['country', 'capital', 'sure'],
      additionalProperties: false,
    };
    const strict = await chat([user('What is the capital of Italy?')], {
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'capital', schema, strict: true },
      },
    });
    expect(content(strict)).toBe('{"country":"Italy","capital":"Rome","sure":false}');
  });

  test('an image in the request is described, and a question beside it answered', async () => {
    const image = { type: 'image_url', image_url: { url: patternDataUri('a cat') } };
    const alone = await chat([user([image])]);
    expect(content(alone)).toMatch(/^I see one image: PNG, 64 x 64 pixels, \d+ bytes\.$/);
    const both = await chat([user([{ type: 'text', text: 'What is 2+2?' }, image])]);
    expect(content(both)).toMatch(/^I see one image: .* 2 \+ 2 = 4\.$/);
  });

  test('an image model, or the image modality, gets a PNG beside a short text, in streams too', async () => {
    const asks: JsonObject[] = [{ model: 'nano-banana' }, { modalities: ['image', 'text'] }];
    for (const more of asks) {
      const reply = await chat([user('A red boat')], more);
      const url = at(reply, 'choices', 0, 'message', 'images', 0, 'image_url', 'url');
      expect(url).toBe(patternDataUri('A red boat'));
      expect(content(reply)).toContain('in place of your image');
      const chunks = (await stream([user('A red boat')], more)).slice(0, -1).map(parsed);
      const images = chunks
        .map((chunk) => at(chunk, 'choices', 0, 'delta', 'images'))
        .filter((one) => one !== undefined);
      expect(images).toEqual([[{ type: 'image_url', image_url: { url: url ?? null } }]]);
    }
  });
});

describe('around completions', () => {
  test('bad input is refused with 400 in the OpenAI envelope, naming the parameter', async () => {
    const messages = [user('hi')];
    const bad: [Json, string | null][] = [
      ['{"model":', null],
      [[], null],
      [{ messages }, 'model'],
      [{ model: 'demo' }, 'messages'],
      [{ model: 'demo', messages: [] }, 'messages'],
      [{ model: 'demo', messages: [{ content: 'hi' }] }, 'messages[0].role'],
      [{ model: 'demo', messages: [{ role: 'user', content: 7 }] }, 'messages[0].content'],
      [{ model: 'demo', messages, max_tokens: 0 }, 'max_tokens'],
      [{ model: 'demo', messages, n: 9 }, 'n'],
      [{ model: 'demo', messages, tool_choice: 'required' }, 'tool_choice'],
      [{ model: 'demo', messages, response_format: { type: 'json_schema' } }, 'response_format'],
    ];
    for (const [body, param] of bad) {
      const response = await post(body);
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({
        error: { message: expect.any(String), type: 'invalid_request_error', param, code: null },
      });
    }
  });

  test('models and health are served, anything else is 404', async () => {
    const models = parsed(await (await fetch(`${engine.url}/models`)).text());
    expect(at(models, 'data', 0)).toMatchObject({ id: 'demo', object: 'model' });
    expect((await fetch(new URL('/health', engine.url))).status).toBe(200);
    expect((await fetch(`${engine.url}/nothing`)).status).toBe(404);
  });

  test('a paced stream waits for its ticks, and closing the engine ends it', async () => {
    const slow = startDemoEngine({ tokenDelayMs: 60_000 });
    const body = JSON.stringify({ model: 'demo', stream: true, messages: [user('hi')] });
    const response = await fetch(`${slow.url}/chat/completions`, { method: 'POST', body });
    const reader = response.body?.getReader();
    const first = await reader?.read();
    expect(new TextDecoder().decode(first?.value)).toContain('"role":"assistant"');
    await slow.close();
    const end = await reader?.read().then(
      (next) => next.done,
      () => true,
    );
    expect(end).toBe(true);
  });
});

/** One streamed completion over a socket of its own: `fetch` would queue all but 256 of them. */
async function rawStream(question: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const body = JSON.stringify({ model: 'demo', stream: true, messages: [user(question)] });
  let received = '';
  await Bun.connect({
    hostname: '127.0.0.1',
    port: Number(new URL(engine.url).port),
    socket: {
      open: (socket) =>
        void socket.write(
          `POST /v1/chat/completions HTTP/1.1\r\nhost: demo\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        ),
      data(socket, bytes) {
        received += bytes.toString();
        if (received.includes('[DONE]')) socket.end();
      },
      close: () => resolve(received),
    },
  });
  return promise;
}
