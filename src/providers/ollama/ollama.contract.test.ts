// Every reply of /api/chat in fixtures/, however the network cuts it, gives the same events or the same error; and an
// answer that is cut off is never taken for a whole one.
import { describe, expect, test } from 'bun:test';
import {
  chunksOf,
  fixture,
  oneByOne,
  replay,
  textOf,
  type Outcome,
} from '../../../test/harness/replay.ts';

const NATIVE = { kind: 'ollama', baseUrl: 'http://127.0.0.1:9' };

/** A replay with the ids that the gateway makes up left out: they are never twice the same. */
async function replayed(pieces: readonly Uint8Array[], stream: boolean): Promise<Outcome> {
  const outcome = await replay(pieces, { ...NATIVE, stream, contentType: 'application/x-ndjson' });
  const json = outcome.json.map((text) =>
    text.replaceAll(/(chatcmpl-|call_)[0-9a-f]{32}/g, '$1made-up'),
  );
  return { ...outcome, json };
}

const STREAMS: Readonly<Record<string, (outcome: Outcome) => void>> = {
  'ollama-stream': (outcome) => {
    expect(textOf(outcome)).toBe('Grüße 😀!');
    expect(deltas(outcome, 'reasoning_content').join('')).toBe('The user says hi, ü.\n');
    expect(finishReasons(outcome)).toEqual(['stop']);
    expect(chunksOf(outcome)[0]).toMatchObject({
      object: 'chat.completion.chunk',
      created: Date.parse('2026-11-20T09:14:05Z') / 1000,
      model: 'qwen3:8b',
      choices: [{ delta: { role: 'assistant', content: '' } }],
    });
    expect(chunksOf(outcome).at(-2)).toMatchObject({ load_duration: 1_204_419_118 });
    expect(chunksOf(outcome).at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 14, completion_tokens: 9, total_tokens: 23 },
    });
    expect(new Set(chunksOf(outcome).map(({ id }) => id)).size).toBe(1);
  },
  'ollama-tool-calls': (outcome) => {
    expect(finishReasons(outcome)).toEqual(['tool_calls']);
    const call = (index: number, id: string, fn: { name: string; arguments: string }) => ({
      index,
      id,
      type: 'function',
      function: fn,
    });
    const first = '{"city":"Köln","2":"two","1":"one","id":12345678901234567890}';
    expect(deltas(outcome, 'tool_calls').flat()).toEqual([
      call(0, 'call_x7k2m9qa', { name: 'get_weather', arguments: first }),
      call(1, 'call_made-up', { name: 'get_time', arguments: '{}' }),
      call(2, 'call_b1p0c5zt', { name: 'get_weather', arguments: '{"city":"Rome"}' }),
    ]);
  },
  'ollama-length': (outcome) => {
    expect(textOf(outcome)).toBe('Once upon');
    expect(finishReasons(outcome)).toEqual(['length']);
    expect(chunksOf(outcome).some(({ usage }) => usage)).toBe(false);
  },
};

const WHOLE: Readonly<Record<string, object>> = {
  'ollama-json': {
    id: 'chatcmpl-made-up',
    object: 'chat.completion',
    created: Date.parse('2026-11-20T09:14:30Z') / 1000,
    model: 'qwen3:8b',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'It is 4.', reasoning_content: '2+2=4.' },
        finish_reason: 'stop',
      },
    ],
    usage: { prompt_tokens: 26, completion_tokens: 12, total_tokens: 38 },
    total_duration: 5_191_566_416,
    load_duration: 2_154_458,
    prompt_eval_duration: 383_809_000,
    eval_duration: 479_992_100,
  },
  'ollama-json-tool-calls': {
    choices: [
      {
        message: {
          content: null,
          tool_calls: [
            {
              id: 'call_q9d8s7f6',
              type: 'function',
              function: { name: 'get_weather', arguments: '{"city":"Tokyo","n":1.50}' },
            },
          ],
        },
        finish_reason: 'tool_calls',
      },
    ],
  },
};

/** Streams that fail in the middle: the error, and the text that had come before it. */
const FAILING: Readonly<Record<string, { code: string; says: string; text: string }>> = {
  'ollama-error-mid-stream': {
    code: 'upstream_interrupted',
    says: 'CUDA error: out of memory',
    text: 'The sky',
  },
  'ollama-overflow-mid-stream': {
    code: 'context_length_exceeded',
    says: 'longer than the context length',
    text: '',
  },
  'ollama-runner-gone': { code: 'upstream_interrupted', says: 'stopped before', text: 'The sky' },
};

for (const [name, expected] of Object.entries(STREAMS)) {
  test(`${name} comes out the same wherever it is cut`, async () => {
    const whole = await replayed([fixture(name)], true);
    expect(whole.error).toBeNull();
    expected(whole);
    await expectSameForEveryCut(name, true, whole);
  });

  test(`${name} is an error when it ends anywhere before its last line is whole`, async () => {
    const bytes = fixture(name);
    const whole = await replayed([bytes], true);
    for (let end = 0; end < bytes.length - 1; end++) {
      const { json, error } = await replayed([bytes.subarray(0, end)], true);
      expect(json).toEqual(whole.json.slice(0, json.length));
      expect(error?.code).toBe('upstream_interrupted');
    }
    // Only the line end is missing.
    expect(await replayed([bytes.subarray(0, -1)], true)).toEqual(whole);
  });

  test(`${name} makes a whole reply where a proxy streams regardless`, async () => {
    const streamed = await replayed([fixture(name)], true);
    const { json, error } = await replayed([fixture(name)], false);
    expect(error).toBeNull();
    expect(textOf({ json, error, comments: [] })).toBe(textOf(streamed));
    expect(finishReasons({ json, error, comments: [] })).toEqual(finishReasons(streamed));
  });
}

for (const [name, expected] of Object.entries(WHOLE)) {
  test(`${name} comes out the same wherever it is cut, and is an error when it ends early`, async () => {
    const bytes = fixture(name);
    const whole = await replayed([bytes], false);
    expect(chunksOf(whole)[0]).toMatchObject(expected);
    await expectSameForEveryCut(name, false, whole);
    for (let end = 0; end < bytes.length; end++) {
      const { error } = await replayed([bytes.subarray(0, end)], false);
      expect(['upstream_protocol_error', 'upstream_interrupted']).toContain(String(error?.code));
    }
  });
}

for (const [name, expected] of Object.entries(FAILING)) {
  test(`${name} gives the same error and the same text before it, wherever it is cut`, async () => {
    const whole = await replayed([fixture(name)], true);
    expect(whole.error?.code).toBe(expected.code);
    expect(whole.error?.message).toContain(expected.says);
    expect(textOf(whole)).toBe(expected.text);
    await expectSameForEveryCut(name, true, whole);
    expect((await replayed([fixture(name)], false)).error?.code).toBe(expected.code);
  });
}

describe('a reply that is none', () => {
  const outcome = (text: string) => replayed([Buffer.from(text)], true);

  test('is a protocol error: a page, broken JSON, JSON of another kind', async () => {
    for (const text of ['<html>\n', '{"message":\n', '[1]\n', '"x"\n', '{"object":"list"}\n']) {
      expect((await outcome(text)).error?.code).toBe('upstream_protocol_error');
      expect((await replayed([Buffer.from(text)], false)).error?.code).toMatch(
        /^upstream_(?:protocol_error|interrupted)$/,
      );
    }
  });

  test('or no line at all is an error', async () => {
    expect((await outcome('')).error?.code).toBe('upstream_interrupted');
    expect((await outcome('\n\r\n')).error?.code).toBe('upstream_interrupted');
  });

  test('whose tool calls nest without end is one, too', async () => {
    const deep = `${'{"a":'.repeat(70)}1${'}'.repeat(70)}`;
    const line = `{"message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":${deep}}}]},"done":false}\n`;
    expect((await outcome(line)).error?.code).toBe('upstream_protocol_error');
  });
});

test('log probabilities come out as OpenAI has them', async () => {
  const logprobs = [{ token: 'a', logprob: -0.5, top_logprobs: [] }];
  const line = { message: { role: 'assistant', content: 'a' }, done: false, logprobs };
  const end = { message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop' };
  const outcome = await replayed(
    [Buffer.from(`${JSON.stringify(line)}\r\n\r\n${JSON.stringify(end)}\r\n`)],
    true,
  );
  expect(chunksOf(outcome)[0]).toMatchObject({ choices: [{ logprobs: { content: logprobs } }] });
});

async function expectSameForEveryCut(name: string, stream: boolean, whole: Outcome): Promise<void> {
  const bytes = fixture(name);
  for (let at = 1; at < bytes.length; at++) {
    expect(await replayed([bytes.subarray(0, at), bytes.subarray(at)], stream)).toEqual(whole);
  }
  expect(await replayed(oneByOne(bytes), stream)).toEqual(whole);
}

function deltas(outcome: Outcome, member: string): unknown[] {
  return chunksOf(outcome)
    .flatMap(({ choices = [] }) => choices.map(({ delta }) => delta?.[member]))
    .filter((value) => value !== undefined);
}

function finishReasons(outcome: Outcome): string[] {
  return chunksOf(outcome)
    .flatMap(({ choices = [] }) => choices.map(({ finish_reason }) => finish_reason ?? ''))
    .filter(Boolean);
}
