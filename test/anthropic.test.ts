// An upstream that speaks Anthropic's Messages API behind both APIs, over real sockets: its users see OpenAI's form.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import OpenAI from 'openai';
import { chat, framesOf, gif, idsOf, joinedText, said, sentMember } from './harness/c1.ts';
import {
  beginSse,
  replyJson,
  startFakeUpstream,
  type FakeUpstream,
  type UpstreamCall,
} from './harness/fake-upstream.ts';
import { startGateway, TOKEN, type TestGateway } from './harness/gateway.ts';
import { fixture } from './harness/replay.ts';
import { ask, askStream, errorIn, eventsIn } from './harness/v1.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(`
catalogue: replace
upstreams:
  claude: { kind: anthropic, base_url: ${upstream.url}, api_key: upstream-secret-key }
  pinned:
    kind: anthropic
    base_url: ${upstream.url}
    api_key: upstream-secret-key
    headers: { Anthropic-Version: 2026-10-21, anthropic-beta: context-1m-2025-08-07 }
models:
  test-model:
    modalities: { input: [text, image] }
    targets: [{ upstream: claude, model: claude-opus-4-7 }]
  pinned-model:
    targets: [{ upstream: pinned, model: claude-opus-4-7 }]
`);
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});
beforeEach(() => {
  upstream.calls.length = 0;
});

/** The recorded answer, streamed or whole as it is asked for. */
function answerWith(names: { stream: string; whole: string }) {
  return async (call: UpstreamCall) => {
    if (sentMember(call, 'stream') !== 'true') {
      await replyJson(call, fixture(names.whole).toString());
      return;
    }
    await beginSse(call);
    await call.send(fixture(names.stream));
    call.end();
  };
}

const TEXT = { stream: 'anthropic-stream', whole: 'anthropic-json' };
const TOOLS = { stream: 'anthropic-thinking', whole: 'anthropic-json-tools' };
const TOOL = { type: 'function' as const, function: { name: 'calculate', parameters: {} } };

interface SentBlock {
  readonly type: string;
  readonly [member: string]: unknown;
}

function sentTurns(call: UpstreamCall | undefined): { role: string; content: SentBlock[] }[] {
  return JSON.parse((call && sentMember(call, 'messages')) ?? '[]') as {
    role: string;
    content: SentBlock[];
  }[];
}

describe('what goes out', () => {
  beforeEach(() => {
    upstream.script = answerWith(TEXT);
  });

  test('is a Messages request with the key and the version in their headers', async () => {
    await ask(gateway, { max_tokens: 5, temperature: 0.5 });
    const [call] = upstream.calls;
    expect(call?.path).toBe('/v1/messages');
    expect(call?.headers.get('x-api-key')).toBe('upstream-secret-key');
    expect(call?.headers.get('authorization')).toBeUndefined();
    expect(call?.headers.get('anthropic-version')).toBe('2023-06-01');
    expect(call?.body).toBe(
      '{"model":"claude-opus-4-7","max_tokens":5,"stream":false,"temperature":0.5,"messages":[{"role":"user",' +
        '"content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]}]}',
    );
  });

  test('has the version that the operator has set, however it is spelt, and the other headers', async () => {
    await ask(gateway, { model: 'pinned-model' });
    const [call] = upstream.calls;
    expect(call?.headers.get('anthropic-version')).toBe('2026-10-21');
    expect(call?.headers.get('anthropic-beta')).toBe('context-1m-2025-08-07');
  });

  test('holds images as base64 sources, from /v1 and from /c1', async () => {
    const url = gif(1);
    const image = { type: 'image_url', image_url: { url } };
    const content = [{ type: 'text', text: 'What is it?' }, image];
    await ask(gateway, { messages: [{ role: 'user', content }] });
    await said(gateway, { message: 'What is it?', images: [url] });
    expect(upstream.calls).toHaveLength(2);
    for (const call of upstream.calls) {
      expect(sentTurns(call)[0]?.content).toEqual([
        { type: 'text', text: 'What is it?' },
        {
          type: 'image',
          source: { type: 'base64', media_type: 'image/gif', data: url.split(',')[1] },
          cache_control: { type: 'ephemeral' },
        },
      ]);
    }
  });

  test('is nothing where the dialect lacks what is asked for', async () => {
    for (const stream of [true, false]) {
      const response = await ask(gateway, { stream, logprobs: true });
      expect(response.status).toBe(400);
      expect(errorIn(await response.text())).toMatchObject({
        code: 'modality_not_supported',
        param: 'logprobs',
        retryable: false,
      });
    }
    const response = await chat(gateway, {
      message: 'hi',
      stream: false,
      response_format: { type: 'json_object' },
    });
    expect(response.status).toBe(400);
    expect(errorIn(await response.text())).toMatchObject({
      code: 'modality_not_supported',
      param: 'response_format',
    });
    expect(upstream.calls).toEqual([]);
  });
});

test('a health probe has the version too, without which Anthropic refuses it', async () => {
  const versions: (string | null)[] = [];
  const probed = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      versions.push(request.headers.get('anthropic-version'));
      return Response.json({ data: [] });
    },
  });
  const other = await startGateway(`
catalogue: replace
upstreams: { claude: { kind: anthropic, base_url: "${probed.url.origin}/v1", api_key: k } }
models: { a: { targets: [{ upstream: claude, model: m }] } }
`);
  await other.close();
  await probed.stop();
  expect(versions).toEqual(['2023-06-01']);
});

describe('on /v1', () => {
  test('an answer is a completion under the alias, or its chunks with usage only if asked', async () => {
    upstream.script = answerWith(TEXT);
    const whole = (await (await ask(gateway)).json()) as { [member: string]: unknown };
    expect(whole).toMatchObject({
      model: 'test-model',
      choices: [{ message: { content: 'Rome. Grüße 😀' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1038, prompt_tokens_details: { cached_tokens: 1024 } },
    });
    const plain = eventsIn(await (await askStream(gateway)).text());
    expect(plain.at(-1)).toBe('[DONE]');
    expect(plain).toContain(': ping');
    expect(plain.join('')).not.toContain('"usage"');
    expect(plain.filter((event) => event.startsWith('{"id"')).join('')).not.toContain('claude');
    const asked = await askStream(gateway, { stream_options: { include_usage: true } });
    expect(eventsIn(await asked.text()).at(-2)).toContain('"prompt_tokens":2361');
  });

  test('the OpenAI SDK puts the chunks together, with two calls in parallel', async () => {
    upstream.script = answerWith({ stream: 'anthropic-tools', whole: 'anthropic-json-tools' });
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: TOKEN });
    const messages = [{ role: 'user' as const, content: 'Weather and time in Köln?' }];
    const body = { model: 'test-model', messages, tools: [TOOL] };
    const streamed = await client.chat.completions.stream(body).finalChatCompletion();
    const message = streamed.choices[0]?.message;
    expect(streamed.choices[0]?.finish_reason).toBe('tool_calls');
    expect(message?.content).toBe('Let me look.');
    expect(message?.tool_calls).toMatchObject([
      { id: 'toolu_01PaRiSpArIsPaRiSpArIs', function: { arguments: '{"city": "Köln"}' } },
      { id: 'toolu_01NoWnOwNoWnOwNoWnOwNo', function: { name: 'get_time', arguments: '{}' } },
    ]);
    const whole = await client.chat.completions.create(body);
    expect(whole.choices[0]?.message.tool_calls).toHaveLength(2);
    if (!message) throw new Error('no message');
    await client.chat.completions.create({
      ...body,
      messages: [
        ...messages,
        message,
        { role: 'tool', tool_call_id: 'toolu_01PaRiSpArIsPaRiSpArIs', content: '21 °C' },
        { role: 'tool', tool_call_id: 'toolu_01NoWnOwNoWnOwNoWnOwNo', content: 'noon' },
      ],
    });
    const [, calling, results] = sentTurns(upstream.calls.at(-1));
    expect(calling?.content.map(({ type }) => type)).toEqual(['text', 'tool_use', 'tool_use']);
    expect(results?.content.map(({ type }) => type)).toEqual(['tool_result', 'tool_result']);
  });

  test('thinking that a client sends back reaches the upstream as it came', async () => {
    upstream.script = answerWith(TOOLS);
    const first = (await (await ask(gateway, { tools: [TOOL] })).json()) as {
      choices: { message: { tool_calls: { id: string }[] } }[];
    };
    const message = first.choices[0]?.message;
    const results = (message?.tool_calls ?? []).map(({ id }) => ({
      role: 'tool',
      tool_call_id: id,
      content: 'done',
    }));
    const messages = [{ role: 'user', content: 'hi' }, message, ...results];
    await ask(gateway, { tools: [TOOL], messages });
    const recorded = JSON.parse(fixture('anthropic-json-tools').toString()) as { content: unknown };
    expect(sentTurns(upstream.calls[1])[1]?.content).toEqual(recorded.content as SentBlock[]);
  });

  test('thinking that the OpenAI SDK has put together from a stream is signed still', async () => {
    upstream.script = answerWith(TOOLS);
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: TOKEN });
    const body = { model: 'test-model', tools: [TOOL] };
    const question = { role: 'user' as const, content: '27 * 453?' };
    const first = await client.chat.completions
      .stream({ ...body, messages: [question] })
      .finalChatCompletion();
    const message = first.choices[0]?.message;
    if (!message) throw new Error('no message');
    const result = {
      role: 'tool' as const,
      tool_call_id: 'toolu_01CaLcCaLcCaLcCaLcCaLc',
      content: '12231',
    };
    await client.chat.completions.create({ ...body, messages: [question, message, result] });
    const thought = sentTurns(upstream.calls.at(-1))[1]?.content.filter(
      ({ type }) => type === 'thinking',
    );
    // It keeps the last detail of those in a stream, and that one is whole.
    expect(thought).toEqual([{ type: 'thinking', thinking: '', signature: 'ErUBomittedText+/==' }]);
  });

  test('a failure is the same code for a stream and without, before and amid the answer', async () => {
    upstream.script = (call) =>
      replyJson(call, fixture('anthropic-overloaded').toString(), {
        status: 529,
        headers: { 'retry-after': '7' },
      });
    for (const stream of [true, false]) {
      const response = await ask(gateway, { stream });
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).toBe('7');
      expect(errorIn(await response.text()).code).toBe('upstream_unavailable');
    }
    const broken = { stream: 'anthropic-error-mid-stream', whole: 'anthropic-overloaded' };
    upstream.script = answerWith(broken);
    const events = eventsIn(await (await askStream(gateway)).text());
    expect(events.join('')).toContain('Half');
    expect(events).not.toContain('[DONE]');
    expect(errorIn(events.at(-1) ?? '')).toMatchObject({
      code: 'upstream_unavailable',
      retryable: true,
    });
    expect(errorIn(await (await ask(gateway)).text()).code).toBe('upstream_unavailable');
    const first = { stream: 'anthropic-overloaded-first', whole: 'anthropic-overloaded' };
    upstream.script = answerWith(first);
    expect((await askStream(gateway)).status).toBe(503);
  });
});

describe('on /c1', () => {
  test('a conversation is answered in one piece and as a stream, and each prompt extends the one before', async () => {
    upstream.script = answerWith(TEXT);
    const first = await chat(gateway, { message: 'one', system: 'Be brief.', stream: false });
    const { id } = idsOf(first);
    expect(await first.json()).toMatchObject({
      model: 'test-model',
      choices: [{ message: { content: 'Grüße aus 😀.\n' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 2361, prompt_tokens_details: { cached_tokens: 2048 } },
    });
    const stream = await chat(gateway, { conversation_id: id, message: 'two', stream: true });
    const frames = framesOf(await stream.text());
    expect(joinedText(frames)).toBe('Grüße aus 😀.\n');
    expect(frames.at(-1)?.data).toBe('[DONE]');
    await said(gateway, { conversation_id: id, message: 'three', stream: false });
    const prompts = upstream.calls.map((call) => openPrompt(call));
    expect(prompts[0]).toStartWith('[{"type":"text","text":"Be brief."}][{"role":"user"');
    expect(prompts[1]).toStartWith(prompts[0] ?? 'none');
    expect(prompts[2]).toStartWith(prompts[1] ?? 'none');
    expect(prompts[2]).toContain('Grüße aus 😀.');
  });

  test('tools are called, and their results go back to the calls that they answer', async () => {
    upstream.script = answerWith(TOOLS);
    const first = await said(gateway, { message: '27 * 453?', tools: [TOOL], stream: false });
    const { message, finish_reason } = first.choices[0];
    expect(finish_reason).toBe('tool_calls');
    expect(message.tool_calls?.[0]?.function.arguments).toBe('{"a":27,"b":12345678901234567890}');
    expect(message['reasoning_content']).toBe('27 is odd, so halve 453…');
    upstream.script = answerWith(TEXT);
    const tool_call_id = message.tool_calls?.[0]?.id;
    await said(gateway, {
      conversation_id: first.conversation_id,
      tool_results: [{ tool_call_id, content: '12231' }],
      stream: false,
    });
    const call = upstream.calls.at(-1);
    const turns = sentTurns(call);
    expect(turns.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(call?.body).toContain('"input":{"a":27,"b":12345678901234567890}}');
    expect(turns[2]?.content).toMatchObject([
      {
        type: 'tool_result',
        tool_use_id: 'toolu_01CaLcCaLcCaLcCaLcCaLc',
        content: [{ type: 'text', text: '12231' }],
      },
    ]);
    expect(sentMember(call ?? { body: '{}' }, 'tools')).toContain('"name":"calculate"');
  });

  test('an answer that fails amid its text is a failed turn, and can be asked for again', async () => {
    upstream.script = answerWith({ stream: 'anthropic-error-mid-stream', whole: TEXT.whole });
    const failed = await chat(gateway, { message: 'one', stream: true });
    const frames = framesOf(await failed.text());
    expect(joinedText(frames.slice(0, -1))).toBe('Half');
    expect(errorIn(frames.at(-1)?.data ?? '').code).toBe('upstream_unavailable');
    upstream.script = answerWith(TEXT);
    const { id } = idsOf(failed);
    const again = await said(gateway, { conversation_id: id, message: 'one', stream: false });
    expect(again.choices[0].message.content).toBe('Grüße aus 😀.\n');
  });
});

/** System and messages as sent, without the marks and the brackets that close them. */
function openPrompt(call: UpstreamCall): string {
  const prompt = (sentMember(call, 'system') ?? '') + (sentMember(call, 'messages') ?? '');
  return prompt.replaceAll(',"cache_control":{"type":"ephemeral"}', '').replace(/\]\}\]$/, '');
}
