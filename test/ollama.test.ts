// Ollama's native API behind both of ours, over real sockets: what it is asked, and what clients see of its replies.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chat, errorOf, framesOf, gif, idsOf, joinedText, said } from './harness/c1.ts';
import { replyJson, startFakeUpstream, type FakeUpstream } from './harness/fake-upstream.ts';
import type { UpstreamCall } from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';
import { fixture } from './harness/replay.ts';
import { ask, askStream, errorIn, eventsIn, USER } from './harness/v1.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configOf(upstream.url.replace(/\/v1$/, '')));
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

function configOf(baseUrl: string, upstreamMore = 'keep_alive: 30m', targetMore = 'num_ctx: 8192') {
  return `
catalogue: replace
upstreams:
  box: { kind: ollama, base_url: ${baseUrl}, ${upstreamMore} }
models:
  test-model:
    modalities: { input: [text, image] }
    targets: [{ upstream: box, model: "qwen3:8b", ${targetMore} }]`;
}

async function replyLines(call: UpstreamCall, lines: readonly (object | string)[]): Promise<void> {
  const type = 'content-type: application/x-ndjson\r\n';
  await call.send(`HTTP/1.1 200 OK\r\n${type}connection: close\r\n\r\n`);
  for (const line of lines) {
    await call.send(typeof line === 'string' ? line : `${JSON.stringify(line)}\n`);
  }
  call.end();
}

const CREATED = '2026-11-20T09:14:05.118203445Z';
const line = (message: object, more: object = {}) => ({
  model: 'qwen3:8b',
  created_at: CREATED,
  message: { role: 'assistant', content: '', ...message },
  done: false,
  ...more,
});
const end = { done: true, done_reason: 'stop', prompt_eval_count: 7, eval_count: 3 };

/** Answers with these messages, streamed or not as it is asked. */
function answerWith(...messages: readonly { content?: string }[]): void {
  upstream.script = async (call) => {
    if (bodyOf(call)['stream'] === true) {
      await replyLines(call, [...messages.map((message) => line(message)), line({}, end)]);
    } else {
      const content = messages.map((message) => message.content ?? '').join('');
      await replyJson(call, line({ ...Object.assign({}, ...messages), content }, end));
    }
  };
}

function bodyOf(call: UpstreamCall | undefined): Record<string, unknown> {
  return JSON.parse(call?.body ?? '{}') as Record<string, unknown>;
}

interface Shown {
  readonly model: string;
  readonly choices: readonly {
    readonly delta?: Record<string, unknown>;
    readonly message?: Record<string, unknown>;
    readonly finish_reason: string | null;
  }[];
  readonly usage?: { readonly total_tokens: number };
}

describe('/v1', () => {
  test('asks the native API, with the window and the time that models stay loaded', async () => {
    answerWith({ content: 'ok' });
    const response = await ask(gateway, { temperature: 0.5 });
    expect(response.headers.get('x-gateway-upstream')).toBe('box');
    const shown = (await response.json()) as Shown;
    expect(shown).toMatchObject({
      object: 'chat.completion',
      model: 'test-model',
      choices: [{ message: { role: 'assistant', content: 'ok' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
    });
    const call = upstream.calls.at(-1);
    expect(call?.path).toBe('/api/chat');
    expect(bodyOf(call)).toEqual({
      model: 'qwen3:8b',
      messages: [USER],
      stream: false,
      keep_alive: '30m',
      truncate: false,
      options: { num_ctx: 8192, temperature: 0.5 },
    });
  });

  test('streams thinking and text as chunks, and usage to who asks', async () => {
    upstream.script = (call) => replyLines(call, [fixture('ollama-stream').toString()]);
    const read = async (body: object) => eventsIn(await (await askStream(gateway, body)).text());
    const events = await read({ stream_options: { include_usage: true } });
    expect(events.at(-1)).toBe('[DONE]');
    const chunks = events.slice(0, -1).map((data) => JSON.parse(data) as Shown);
    const said = (member: string) =>
      chunks
        .map(({ choices: [choice] }) => choice?.delta?.[member])
        .filter((piece) => typeof piece === 'string')
        .join('');
    expect(said('content')).toBe('Grüße 😀!');
    expect(said('reasoning_content')).toBe('The user says hi, ü.\n');
    expect(new Set(chunks.map(({ model }) => model))).toEqual(new Set(['test-model']));
    expect(chunks.at(-1)?.usage?.total_tokens).toBe(23);
    expect((await read({})).join('')).not.toContain('usage');
  });

  test('shows images, tools and their calls in each form', async () => {
    const image = gif(1);
    upstream.script = (call) => replyLines(call, [fixture('ollama-tool-calls').toString()]);
    const tools = [{ type: 'function', function: { name: 'get_weather' } }];
    const content = [
      { type: 'text', text: 'look' },
      { type: 'image_url', image_url: { url: image } },
    ];
    const response = await askStream(gateway, { tools, messages: [{ role: 'user', content }] });
    const text = await response.text();
    expect(text).toContain('"finish_reason":"tool_calls"');
    expect(text).toContain(String.raw`\"id\":12345678901234567890}`);
    expect(bodyOf(upstream.calls.at(-1))).toMatchObject({
      tools,
      messages: [{ role: 'user', content: 'look', images: [image.replace(/^.*,/, '')] }],
    });
  });

  test('is told of a model that is not there, and of a prompt that is too long', async () => {
    const failing = async (name: string, status: number) => {
      upstream.script = (call) => replyJson(call, fixture(name).toString(), { status });
      return errorIn(await (await ask(gateway)).text());
    };
    const missing = await failing('ollama-not-found', 404);
    expect(missing.message).toContain("model 'llama9' not found");
    expect(missing.type).toBe('upstream_error');
    expect((await failing('ollama-native-context-overflow', 400)).code).toBe(
      'context_length_exceeded',
    );
  });

  test('is told when an answer breaks off, and never that it was complete', async () => {
    for (const name of ['ollama-error-mid-stream', 'ollama-runner-gone']) {
      upstream.script = (call) => replyLines(call, [fixture(name).toString()]);
      const events = eventsIn(await (await askStream(gateway)).text());
      expect(events.join('')).toContain('The sky');
      expect(errorIn(events.at(-1) ?? '').code).toBe('upstream_interrupted');
      expect(events.join('')).not.toContain('"finish_reason":"');
    }
  });

  test('is refused what Ollama would leave out, before it hears of it', async () => {
    const before = upstream.calls.length;
    const response = await ask(gateway, { n: 2 });
    expect(response.status).toBe(400);
    expect(errorIn(await response.text())).toMatchObject({
      code: 'modality_not_supported',
      param: 'n',
    });
    expect(upstream.calls.length).toBe(before);
  });
});

describe('/c1', () => {
  test('remembers over turns, and each prompt begins with the bytes of the one before', async () => {
    const prompts: string[] = [];
    const answers = ['Teal, noted.', 'Teal.', 'You asked for teal.'];
    let id: string | undefined;
    for (const [index, content] of answers.entries()) {
      answerWith({ content });
      const reply = await said(gateway, {
        message: `question ${index}`,
        images: index === 0 ? [gif(7)] : [],
        ...(id === undefined ? {} : { conversation_id: id }),
      });
      id = reply.conversation_id;
      expect(reply.choices[0].message.content).toBe(content);
      prompts.push(JSON.stringify(bodyOf(upstream.calls.at(-1))['messages']));
    }
    for (const [index, prompt] of prompts.entries()) {
      if (index > 0) expect(prompt).toStartWith((prompts[index - 1] ?? '').slice(0, -1));
    }
    expect(prompts.at(-1)).toContain('"images":["');
  });

  test('streams, and takes results of calls back under the name of their tool', async () => {
    upstream.script = (call) => replyLines(call, [fixture('ollama-tool-calls').toString()]);
    const tools = [{ type: 'function', function: { name: 'get_weather' } }];
    const first = await chat(gateway, { message: 'weather?', tools, stream: true });
    const frames = framesOf(await first.text());
    expect(frames.at(-1)?.data).toBe('[DONE]');
    const ids = frames
      .filter(({ data }) => data.startsWith('{'))
      .flatMap(({ data }) => (JSON.parse(data) as Shown).choices[0]?.delta?.['tool_calls'] ?? [])
      .map((call) => (call as { id: string }).id);
    expect(new Set(ids).size).toBe(3);
    answerWith({ content: 'Sunny.' });
    const second = await chat(gateway, {
      conversation_id: idsOf(first).id,
      tool_results: ids.map((tool_call_id) => ({ tool_call_id, content: 'sun' })),
      stream: true,
    });
    expect(joinedText(framesOf(await second.text()))).toBe('Sunny.');
    expect(bodyOf(upstream.calls.at(-1))['messages']).toMatchObject([
      { role: 'user' },
      { role: 'assistant', tool_calls: [{ function: { arguments: { city: 'Köln' } } }, {}, {}] },
      { role: 'tool', tool_name: 'get_weather', tool_call_id: ids[0] },
      { role: 'tool', tool_name: 'get_time', tool_call_id: ids[1] },
      { role: 'tool', tool_name: 'get_weather', tool_call_id: ids[2] },
    ]);
  });

  test('keeps within the configured window instead of letting Ollama forget', async () => {
    const small = await startGateway(
      configOf(upstream.url.replace(/\/v1$/, ''), '', 'num_ctx: 300'),
    );
    try {
      upstream.script = async (call) => {
        const prompt = JSON.stringify(bodyOf(call)['messages']).length / 4;
        const counts = { ...end, prompt_eval_count: Math.ceil(prompt), eval_count: 60 };
        await replyLines(call, [line({ content: 'yes '.repeat(60) }), line({}, counts)]);
      };
      let id: string | undefined;
      let dropped: string | null = null;
      for (let turn = 0; turn < 6 && dropped === null; turn++) {
        const response = await chat(small, {
          message: `question ${turn} ${'word '.repeat(30)}`,
          max_tokens: 20,
          ...(id === undefined ? {} : { conversation_id: id }),
        });
        expect(response.status).toBe(200);
        await response.text();
        id = idsOf(response).id;
        dropped = response.headers.get('x-gateway-applied');
      }
      expect(dropped).toMatch(/^history_compacted=\d+$/);
    } finally {
      await small.close();
    }
  });

  test('is told of a failure, and the conversation goes on from where it was', async () => {
    answerWith({ content: 'hello' });
    const { conversation_id } = await said(gateway, { message: 'hi' });
    upstream.script = (call) => replyLines(call, [fixture('ollama-error-mid-stream').toString()]);
    const failed = await chat(gateway, { conversation_id, message: 'more' });
    expect(await errorOf(failed)).toMatchObject({ code: 'upstream_interrupted' });
    answerWith({ content: 'again' });
    const reply = await said(gateway, { conversation_id, message: 'again' });
    expect(reply.choices[0].message.content).toBe('again');
  });
});

test('an address that ends with /v1 chooses the OpenAI-compatible API', async () => {
  const compatible = await startGateway(configOf(upstream.url, '', ''));
  try {
    upstream.script = async (call) => {
      await replyJson(call, { choices: [{ message: { content: 'x' }, finish_reason: 'stop' }] });
    };
    expect((await ask(compatible)).status).toBe(200);
    expect(upstream.calls.at(-1)?.path).toBe('/v1/chat/completions');
    const ready = await compatible.request('/readyz');
    expect(ready.status).toBe(200);
  } finally {
    await compatible.close();
  }
});

test('the configured window is the one that is shown', async () => {
  const info = await (await gateway.request('/v1/info')).text();
  expect(info).toContain('"context_tokens":8192');
});

test('a native Ollama is probed and found up', async () => {
  const ready = await gateway.request('/readyz');
  expect(ready.status).toBe(200);
  expect(await ready.text()).toContain('"box"');
});
