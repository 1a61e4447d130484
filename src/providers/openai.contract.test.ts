// Every reply in fixtures/, however the network cuts it, gives the same events or the same error; and an answer that
// is cut off is never taken for a whole one.
import { describe, expect, test } from 'bun:test';
import { chunksOf, fixture, replay, textOf, type Outcome } from '../../test/harness/replay.ts';
import {
  describeRecordedReplies,
  finishReasons,
  toolArguments,
  type Failing,
} from './testing/contract.ts';

/** What each streamed fixture comes to: text, finish reasons in order, and what the engine adds. */
const STREAMS: Readonly<Record<string, (outcome: Outcome) => void>> = {
  'llama-cpp-stream': (outcome) => {
    expect(textOf(outcome)).toStartWith('y');
    expect(finishReasons(outcome)).toEqual(['length']);
    expect(chunksOf(outcome).at(-1)).toMatchObject({
      usage: { prompt_tokens: 29, prompt_tokens_details: { cached_tokens: 6 } },
      timings: { cache_n: 6, prompt_n: 23 },
    });
  },
  'llama-cpp-json-schema': (outcome) => {
    expect(JSON.parse(textOf(outcome))).toEqual({ ok: true });
    expect(finishReasons(outcome)).toEqual(['stop']);
  },
  'llama-cpp-two-choices': (outcome) => {
    expect(finishReasons(outcome)).toEqual(['length', 'length']);
    expect(chunksOf(outcome).filter(({ usage }) => usage)).toHaveLength(2);
  },
  'vllm-stream': (outcome) => {
    expect(textOf(outcome)).toBe('Grüße 😀');
    expect(outcome.json.join('')).toContain('"stop_reason":null');
    expect(outcome.json.join('')).toContain('"reasoning":"Hm, ü"');
    expect(chunksOf(outcome).at(-1)?.usage?.completion_tokens).toBe(5);
  },
  'vllm-tool-calls': (outcome) => {
    expect(toolArguments(outcome)).toEqual(['', '{"city": ', '"Köln"}']);
    expect(finishReasons(outcome)).toEqual(['tool_calls']);
  },
  'openrouter-stream': (outcome) => {
    expect(outcome.comments).toEqual(Array<string>(3).fill(' OPENROUTER PROCESSING'));
    expect(textOf(outcome)).toBe('Hello there');
    expect(chunksOf(outcome).at(-1)).toMatchObject({
      provider: 'DeepInfra',
      usage: { cost: 0.00000217 },
    });
  },
  'gemini-tool-calls': (outcome) => {
    expect(toolArguments(outcome)).toEqual(['{"city":"Paris"}', '{"city":"Rome"}']);
    expect(outcome.json[0]).toContain('"thought_signature":"EjQKMgFyyNp8+zP/abc=="');
    expect(finishReasons(outcome)).toEqual(['stop']);
  },
  'openai-two-choices': (outcome) => {
    expect([textOf(outcome, 0), textOf(outcome, 1)]).toEqual(['Red.', 'Blue!']);
    expect(finishReasons(outcome)).toEqual(['stop', 'stop']);
  },
  'azure-stream': (outcome) => {
    expect(textOf(outcome)).toBe('Guten Tag ü');
    expect(outcome.json[0]).toContain('"prompt_filter_results":[{"prompt_index":0');
    expect(finishReasons(outcome)).toEqual(['stop']);
  },
  'azure-async-filter': (outcome) => {
    expect(textOf(outcome)).toBe('It was');
    expect(finishReasons(outcome)).toEqual(['content_filter']);
    expect(outcome.json.at(-1)).toContain('"check_offset":506');
  },
  'lmstudio-stream': (outcome) => {
    expect(textOf(outcome)).toBe('Ja!');
    expect(outcome.json[1]).toContain('"reasoning_content":", ja"');
  },
  'sglang-stream': (outcome) => {
    expect(toolArguments(outcome)).toEqual(['', '{"a": 1', '}']);
    expect(finishReasons(outcome)).toEqual(['tool_calls']);
    expect(chunksOf(outcome).at(-1)?.usage?.prompt_tokens_details?.cached_tokens).toBe(128);
  },
  'deepseek-stream': (outcome) => {
    expect(outcome.comments).toEqual([' keep-alive', ' keep-alive']);
    expect(textOf(outcome)).toBe('Gut');
    expect(chunksOf(outcome).at(-1)?.usage?.completion_tokens).toBe(5);
  },
  'sse-line-ends': (outcome) => {
    expect(textOf(outcome)).toBe('Zeileü😀');
    expect(outcome.comments).toEqual([' hello', ' half', ' way']);
    expect(outcome.json.join('')).not.toContain('\n');
  },
};

/** Streams that fail in the middle: the error, and the text that had come before it. */
const FAILING_STREAMS: Readonly<Record<string, Failing>> = {
  'vllm-error-mid-stream': { code: 'upstream_unavailable', says: 'EngineCore', text: 'Half' },
  'openrouter-error-mid-stream': {
    code: 'upstream_interrupted',
    says: 'Provider disconnected unexpectedly',
    text: 'Once',
  },
  'sglang-context-overflow': { code: 'context_length_exceeded', says: '9019 tokens', text: '' },
  'ollama-broken-off': { code: 'upstream_interrupted', says: 'stopped before', text: 'The sky' },
};

const WHOLE: Readonly<Record<string, (outcome: Outcome) => void>> = {
  'llama-cpp-json': (outcome) => {
    expect(outcome.json).toEqual([fixture('llama-cpp-json').toString()]);
    expect(chunksOf(outcome)[0]?.usage?.prompt_tokens).toBe(21);
  },
  'vllm-lmcache-json': (outcome) => {
    expect(outcome.json).toEqual([fixture('vllm-lmcache-json').toString()]);
    expect(chunksOf(outcome)[0]?.usage?.prompt_tokens_details?.cached_tokens).toBe(2048);
  },
  'openrouter-image': (outcome) => {
    expect(outcome.json).toEqual([fixture('openrouter-image').toString()]);
  },
  'openrouter-error-in-choice': (outcome) => {
    expect(outcome.error).toMatchObject({ code: 'upstream_unavailable' });
    expect(outcome.error?.message).toContain('overloaded');
  },
};

describeRecordedReplies({
  kind: 'openai',
  streams: STREAMS,
  failingStreams: FAILING_STREAMS,
  whole: WHOLE,
  ending: 'data: [DONE]\n',
});

describe('a streaming request that is answered in one piece', () => {
  test('gets a stream whose tool calls have an index each', async () => {
    const reply = {
      choices: [
        {
          index: 0,
          finish_reason: 'tool_calls',
          message: {
            role: 'assistant',
            content: null,
            tool_calls: [
              { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } },
              { id: 'b', type: 'function', function: { name: 'g', arguments: '{}' } },
            ],
          },
        },
      ],
    };
    const bytes = Buffer.from(JSON.stringify(reply));
    const outcome = await replay([bytes], { stream: true, contentType: 'application/json' });
    const [chunk] = chunksOf(outcome);
    const calls = chunk?.choices?.[0]?.delta?.['tool_calls'];
    expect(calls).toMatchObject([
      { index: 0, id: 'a' },
      { index: 1, id: 'b' },
    ]);
  });
});

describe('a stream where a whole reply was asked for', () => {
  const SSE = { stream: false, contentType: 'text/event-stream' };
  const whole = async (name: string) => await replay([fixture(name)], SSE);

  for (const name of Object.keys(STREAMS)) {
    test(`comes out as one, with the same text and ends: ${name}`, async () => {
      const streamed = await replay([fixture(name)], { stream: true });
      const { json, error } = await whole(name);
      expect(error).toBeNull();
      expect(json).toHaveLength(1);
      const outcome = { json, error, comments: [] };
      for (const index of [0, 1]) expect(textOf(outcome, index)).toBe(textOf(streamed, index));
      expect(finishReasons(outcome)).toEqual(finishReasons(streamed));
      expect(chunksOf(outcome)[0]?.['object']).toBe('chat.completion');
    });
  }

  test('keeps calls, reasoning, usage and what the engine adds', async () => {
    const calls = { json: (await whole('vllm-tool-calls')).json, comments: [], error: null };
    expect(chunksOf(calls)[0]?.choices?.[0]).toMatchObject({
      message: {
        role: 'assistant',
        content: null,
        tool_calls: [{ function: { name: 'get_weather', arguments: '{"city": "Köln"}' } }],
      },
      finish_reason: 'tool_calls',
    });
    const said = { json: (await whole('vllm-stream')).json, comments: [], error: null };
    expect(chunksOf(said)[0]).toMatchObject({
      choices: [{ message: { reasoning: 'Hm, ü' }, stop_reason: null }],
      usage: { completion_tokens: 5 },
    });
    const routed = { json: (await whole('openrouter-stream')).json, comments: [], error: null };
    expect(chunksOf(routed)[0]).toMatchObject({
      provider: 'DeepInfra',
      usage: { cost: 0.00000217 },
    });
  });

  test('takes the first of two ends, and the last of two counts', async () => {
    const usage = (tokens: number) =>
      `data: {"choices":[],"usage":{"prompt_tokens":${tokens}}}\n\n`;
    const text =
      event({ index: 1, delta: { content: 'b' }, finish_reason: 'length' }) +
      event({ delta: { content: 'a' }, finish_reason: 'stop', logprobs: { content: [1] } }) +
      event({
        index: 0,
        delta: { content: '!' },
        finish_reason: 'length',
        logprobs: { content: [2] },
      }) +
      usage(1) +
      usage(2);
    const { json } = await replay([Buffer.from(text)], { ...SSE, choices: 2 });
    expect(JSON.parse(json[0] ?? '')).toEqual({
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'a!', refusal: null },
          logprobs: { content: [1, 2] },
          finish_reason: 'stop',
        },
        {
          index: 1,
          message: { role: 'assistant', content: 'b', refusal: null },
          logprobs: null,
          finish_reason: 'length',
        },
      ],
      usage: { prompt_tokens: 2 },
    });
  });

  for (const [name, { code }] of Object.entries(FAILING_STREAMS)) {
    test(`fails as it does: ${name}`, async () => {
      expect((await whole(name)).error?.code).toBe(code);
    });
  }

  test('and neither one nor the other is a protocol error', async () => {
    const { error } = await replay([Buffer.from('data: <html>\n\n')], SSE);
    expect(error).toMatchObject({ code: 'upstream_protocol_error', status: 502 });
  });
});

describe('of several choices that come one after another', () => {
  const first = event({ index: 0, delta: { content: 'a' }, finish_reason: 'stop' });
  const second = event({ index: 1, delta: { content: 'b' }, finish_reason: 'stop' });
  const asked = { stream: true, choices: 2 };

  test('none may be missing when the stream just ends', async () => {
    const { error } = await replay([Buffer.from(first)], asked);
    expect(error).toMatchObject({ code: 'upstream_interrupted' });
    expect((await replay([Buffer.from(first + second)], asked)).error).toBeNull();
  });

  test('one is enough when the upstream says that it is done: some ignore n', async () => {
    expect((await replay([Buffer.from(`${first}data: [DONE]\n\n`)], asked)).error).toBeNull();
  });
});

describe('an error event', () => {
  test('is read whether its data is an envelope, a bare error, a string or no JSON at all', async () => {
    for (const data of [
      '{"error":{"message":"on fire"}}',
      '{"message":"on fire"}',
      '"on fire"',
      'on fire',
    ]) {
      const { error } = await replay([Buffer.from(`event: error\ndata: ${data}\n\n`)], {
        stream: true,
      });
      expect(error?.code).toBe('upstream_interrupted');
      expect(error?.message).toContain('on fire');
    }
  });

  test('after the last finish reason is still an error', async () => {
    const bytes = fixture('vllm-stream')
      .toString()
      .replace('data: [DONE]', 'data: {"error":"late"}');
    const { error } = await replay([Buffer.from(bytes)], { stream: true });
    expect(error).toMatchObject({ code: 'upstream_interrupted' });
  });
});

function event(choice: object): string {
  return `data: ${JSON.stringify({ choices: [choice] })}\n\n`;
}
