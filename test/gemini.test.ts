// Gemini as an upstream, over sockets: what it is asked, and what clients of both APIs see of its replies.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import {
  chat,
  conversation,
  framesOf,
  gif,
  joinedText,
  said,
  sentMember,
  type Frame,
} from './harness/c1.ts';
import {
  beginSse,
  replyJson,
  replySse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
  type UpstreamCall,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';
import { fixture } from './harness/replay.ts';
import { ask, askStream, errorIn, eventsIn } from './harness/v1.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configOf(upstream));
});
beforeEach(() => {
  upstream.script = answering('gemini-native-stream', 'gemini-native-json');
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

function configOf({ url }: Pick<FakeUpstream, 'url'>): string {
  const root = url.replace(/v1$/, 'v1beta');
  return `
catalogue: replace
upstreams:
  google: { kind: gemini, base_url: ${root}, api_key: google-secret-key }
  compatible: { kind: gemini, base_url: ${root}/openai/, api_key: google-secret-key }
models:
  test-model:
    modalities: { input: [text, image], output: [text] }
    targets: [{ upstream: google, model: gemini-3.1-pro-preview }]
  draws:
    modalities: { input: [text, image], output: [text, image] }
    targets: [{ upstream: google, model: gemini-3-pro-image-preview }]
  by-openai:
    targets: [{ upstream: compatible, model: gemini-3.1-pro-preview }]
`;
}

/** Answers with one fixture for streams and another one for whole replies. */
function answering(stream: string, whole = stream): FakeUpstream['script'] {
  return async (call) => {
    if (!call.path.includes(':streamGenerateContent')) {
      await replyJson(call, fixture(whole).toString());
      return;
    }
    await beginSse(call);
    await call.send(fixture(stream));
    call.end();
  };
}

interface Sent {
  readonly contents: readonly { readonly role: string; readonly parts: readonly object[] }[];
  readonly [member: string]: unknown;
}

const lastCall = (): UpstreamCall => {
  const call = upstream.calls.at(-1);
  if (!call) throw new Error('nothing was asked');
  return call;
};
/** The bytes of the contents as they were sent. */
const contentsText = () => sentMember(lastCall(), 'contents') ?? '';
const lastSent = () => JSON.parse(lastCall().body) as Sent;

const weather = {
  type: 'function',
  function: { name: 'get_weather', parameters: { type: 'object', properties: {} } },
};

describe('/v1 in front of Gemini', () => {
  test('asks its native API with its own key, and shows a chat.completion of the alias', async () => {
    const response = await ask(gateway, { max_tokens: 50 });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      object: 'chat.completion',
      model: 'test-model',
      choices: [{ message: { role: 'assistant', content: 'Rome, ü.' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 11, completion_tokens: 64 },
    });
    const { path, headers, body } = lastCall();
    expect(path).toBe('/v1beta/models/gemini-3.1-pro-preview:generateContent');
    expect(headers.get('x-goog-api-key')).toBe('google-secret-key');
    expect(headers.has('authorization')).toBe(false);
    expect(JSON.parse(body)).toEqual({
      contents: [{ role: 'user', parts: [{ text: 'hi' }] }],
      generationConfig: { maxOutputTokens: 50 },
    });
  });

  test('streams chunks of the alias, ends with [DONE], and shows usage only to who asks', async () => {
    const events = eventsIn(await (await askStream(gateway)).text());
    expect(lastCall().path).toBe(
      '/v1beta/models/gemini-3.1-pro-preview:streamGenerateContent?alt=sse',
    );
    expect(events.at(-1)).toBe('[DONE]');
    const chunks = events.slice(0, -1).map((data) => JSON.parse(data) as object);
    for (const chunk of chunks) expect(chunk).toMatchObject({ model: 'test-model' });
    expect(events.join('')).not.toContain('prompt_tokens');
    const counted = await askStream(gateway, { stream_options: { include_usage: true } });
    expect(eventsIn(await counted.text()).at(-2)).toContain('"cached_tokens":2048');
  });

  test('sends images inline, and shows those that were drawn, streamed and not', async () => {
    upstream.script = answering('gemini-native-image', 'gemini-native-image-json');
    const content = [
      { type: 'text', text: 'draw it again' },
      { type: 'image_url', image_url: { url: gif(1) } },
    ];
    const asked = { model: 'draws', messages: [{ role: 'user', content }] };
    const whole = (await (await ask(gateway, asked)).json()) as Completion;
    expect(whole.choices[0]?.message?.images?.[0]?.image_url.url).toMatch(
      /^data:image\/png;base64,iVBOR/,
    );
    expect(lastSent()).toMatchObject({
      contents: [{ parts: [{}, { inlineData: { mimeType: 'image/gif' } }] }],
      generationConfig: { responseModalities: ['TEXT', 'IMAGE'] },
    });
    const events = eventsIn(await (await askStream(gateway, asked)).text()).slice(0, -1);
    const drawn = events
      .map((data) => JSON.parse(data) as Completion)
      .flatMap(({ choices }) => choices[0]?.delta?.images ?? []);
    expect(drawn).toHaveLength(2);
  });

  test('refuses what Gemini lacks before it is asked', async () => {
    const before = upstream.calls.length;
    const response = await ask(gateway, { logit_bias: { 1: 5 } });
    expect(response.status).toBe(400);
    expect(errorIn(await response.text())).toMatchObject({
      code: 'modality_not_supported',
      param: 'logit_bias',
    });
    expect(upstream.calls).toHaveLength(before);
  });
});

interface Completion {
  readonly choices: readonly {
    readonly message?: Message;
    readonly delta?: Message;
  }[];
}

interface Message {
  readonly images?: readonly { readonly image_url: { readonly url: string } }[];
}

describe('a failure of Gemini', () => {
  const failing = (status: number, body: string, headers = {}) => {
    upstream.script = (call) => replyJson(call, body, { status, headers });
  };
  const asked = async (body: object = {}) => {
    const response = await ask(gateway, body);
    return { response, error: errorIn(await response.text()) };
  };

  test('over its key is the operator’s, though its status is 400', async () => {
    failing(400, fixture('gemini-native-invalid-key').toString());
    const { response, error } = await asked();
    expect(response.status).toBe(502);
    expect(error).toMatchObject({ code: 'upstream_auth_failed', retryable: false });
  });

  test('over its quota says when to come back', async () => {
    failing(429, fixture('gemini-native-quota').toString());
    const { response, error } = await asked();
    expect(response.headers.get('retry-after')).toBe('34');
    expect(error).toMatchObject({ code: 'upstream_rate_limited', retryable: true });
  });

  test('over the length of the prompt, also where it comes in a list', async () => {
    failing(400, fixture('gemini-context-overflow').toString());
    expect((await asked()).error.code).toBe('context_length_exceeded');
  });

  test('in mid-stream, or a stream that just ends, is an event, and no [DONE] follows', async () => {
    const whole = fixture('gemini-native-stream').toString();
    const cut = whole.slice(0, whole.lastIndexOf('data: '));
    for (const [text, code] of [
      [fixture('gemini-native-error-mid-stream').toString(), 'upstream_unavailable'],
      [cut, 'upstream_interrupted'],
    ] as const) {
      upstream.script = async (call) => {
        await beginSse(call);
        await call.send(text);
        call.end();
      };
      const events = eventsIn(await (await askStream(gateway)).text());
      expect(errorIn(events.at(-1) ?? '')).toMatchObject({ code });
    }
  });

  test('over a blocked prompt is a plain 400 that says why, for a stream too', async () => {
    upstream.script = answering(
      'gemini-native-prompt-blocked',
      'gemini-native-prompt-blocked-json',
    );
    for (const stream of [false, true]) {
      const { response, error } = await asked({ stream });
      expect(response.status).toBe(400);
      expect(error).toMatchObject({ code: 'upstream_rejected', param: 'messages' });
      expect(error.message).toContain('PROHIBITED_CONTENT');
    }
  });
});

describe('/c1 in front of Gemini', () => {
  test('goes round by tools, and the signature of the call goes back with it', async () => {
    upstream.script = answering('gemini-native-tool-calls');
    const asked = await said(gateway, { message: 'weather?', tools: [weather] });
    const [{ message, finish_reason }] = asked.choices;
    expect(finish_reason).toBe('tool_calls');
    const first = lastSent();
    const calls = message.tool_calls ?? [];
    expect(calls.map(({ id }) => id)).toEqual(['x0ab12cd', 'x1ef34gh']);

    upstream.script = answering('gemini-native-stream');
    const tool_results = calls.map(({ id }) => ({ tool_call_id: id, content: `of ${id}` }));
    const done = await said(gateway, { conversation_id: asked.conversation_id, tool_results });
    expect(done.choices[0].message.content).toBe('Grüße 😀');
    const second = lastSent();
    expect(second.contents.slice(0, first.contents.length)).toEqual([...first.contents]);
    expect(second.contents.slice(first.contents.length)).toEqual([
      {
        role: 'model',
        parts: [
          {
            functionCall: { id: 'x0ab12cd', name: 'get_weather', args: { city: 'Köln', days: 2 } },
            thoughtSignature: 'EjQKMgFyyNp8+zP/abc==',
          },
          { functionCall: { id: 'x1ef34gh', name: 'get_weather', args: { city: 'Rome' } } },
        ],
      },
      {
        role: 'user',
        parts: [
          {
            functionResponse: {
              id: 'x0ab12cd',
              name: 'get_weather',
              response: { output: 'of x0ab12cd' },
            },
          },
          {
            functionResponse: {
              id: 'x1ef34gh',
              name: 'get_weather',
              response: { output: 'of x1ef34gh' },
            },
          },
        ],
      },
    ]);
  });

  test('each prompt begins with the contents of the one before, byte for byte', async () => {
    const { conversation_id } = await said(gateway, { message: 'one', images: [gif(7)] });
    let before = contentsText();
    for (const message of ['two', 'three']) {
      await said(gateway, { conversation_id, message });
      const after = contentsText();
      expect(after.startsWith(before.slice(0, -1))).toBe(true);
      before = after;
    }
  });

  test('streams, keeps the thoughts of the answer, and what was streamed is what is stored', async () => {
    const response = await chat(gateway, { message: 'hi', stream: true });
    const frames: Frame[] = framesOf(await response.text());
    expect(frames.at(-1)?.data).toBe('[DONE]');
    expect(joinedText(frames)).toBe('Grüße 😀');
    const id = response.headers.get('x-conversation-id') ?? '';
    const stored = await conversation(gateway, id);
    expect(stored.messages.at(-1)).toMatchObject({ role: 'assistant', content: 'Grüße 😀' });
    expect(JSON.stringify(stored.messages.at(-1))).toContain('A short hello, ü.');
  });

  test('an image that was drawn goes back, signed and in its place, to be changed', async () => {
    upstream.script = answering('gemini-native-image');
    const drawn = await said(gateway, { model: 'draws', message: 'draw' });
    expect(drawn.choices[0].message['images']).toHaveLength(2);
    const { conversation_id } = drawn;
    await said(gateway, { model: 'draws', conversation_id, message: 'bluer' });
    const [, model] = lastSent().contents;
    expect(model?.parts).toMatchObject([
      { text: 'Step 1: ' },
      { inlineData: { mimeType: 'image/png' }, thoughtSignature: 'BBImageOne==' },
      { text: 'and step 2: ' },
      { inlineData: { mimeType: 'image/png' }, thoughtSignature: 'CCImageTwo==' },
    ]);
  });
});

test('an address that ends in /openai is Google’s OpenAI-compatible API, with its kind of key', async () => {
  upstream.script = (call) => replySse(call, streamOf(['ok']));
  const events = eventsIn(await (await askStream(gateway, { model: 'by-openai' })).text());
  expect(events.at(-1)).toBe('[DONE]');
  const { path, headers } = lastCall();
  expect(path).toBe('/v1beta/openai/chat/completions');
  expect(headers.get('authorization')).toBe('Bearer google-secret-key');
  expect(headers.has('x-goog-api-key')).toBe(false);
});
