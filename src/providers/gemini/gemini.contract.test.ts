// Gemini's replies, however the network cuts them: the same chunks or the same error, and none that is cut off counts
// as whole.
import { describe, expect, test } from 'bun:test';
import { chunksOf, fixture, replay, textOf, type Outcome } from '../../../test/harness/replay.ts';
import {
  describeRecordedReplies,
  finishReasons,
  toolArguments,
  type Failing,
} from '../testing/contract.ts';

const STREAMS: Readonly<Record<string, (outcome: Outcome) => void>> = {
  'gemini-native-stream': (outcome) => {
    expect(textOf(outcome)).toBe('Grüße 😀');
    expect(finishReasons(outcome)).toEqual(['stop']);
    const [first, ...rest] = chunksOf(outcome);
    expect(first).toMatchObject({
      id: 'q1wmaZ_xGvO2kdUP4eGcoQo',
      object: 'chat.completion.chunk',
      created: 1_700_000_000,
      model: 'gemini-3.1-pro-preview',
      choices: [
        {
          delta: {
            role: 'assistant',
            content: '',
            reasoning_content: expect.stringContaining('short hello, ü.'),
          },
        },
      ],
    });
    expect(rest.at(-2)?.choices?.[0]?.delta).toEqual({
      reasoning_details: [
        {
          type: 'reasoning.encrypted',
          data: 'EvQBCvEBAXLI2nw/c2ln+A==',
          id: 'text:8-8',
          format: 'google-gemini-v1',
          index: 0,
        },
      ],
    });
    expect(rest.at(-1)).toMatchObject({
      choices: [],
      usage: {
        prompt_tokens: 2057,
        completion_tokens: 46,
        total_tokens: 2103,
        prompt_tokens_details: { cached_tokens: 2048 },
        completion_tokens_details: { reasoning_tokens: 41 },
      },
    });
  },
  'gemini-native-tool-calls': (outcome) => {
    expect(toolArguments(outcome)).toEqual(['{"city":"Köln","days":2}', '{"city":"Rome"}']);
    expect(finishReasons(outcome)).toEqual(['tool_calls']);
    expect(callsIn(outcome)).toMatchObject([
      {
        index: 0,
        id: 'x0ab12cd',
        type: 'function',
        extra_content: { google: { thought_signature: 'EjQKMgFyyNp8+zP/abc==' } },
      },
      { index: 1, id: 'x1ef34gh' },
    ]);
    expect(callsIn(outcome)[1]).not.toHaveProperty('extra_content');
  },
  'gemini-native-calls-without-ids': (outcome) => {
    expect(textOf(outcome)).toBe('Let me look.');
    expect(toolArguments(outcome)).toEqual(['{"city":"Paris"}', '{}']);
    const ids = callsIn(outcome).map(({ id }) => id);
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) expect(id).toMatch(/^call_\w{10,34}$/);
    expect(finishReasons(outcome)).toEqual(['tool_calls']);
  },
  'gemini-native-image': (outcome) => {
    expect(textOf(outcome)).toBe('Step 1: and step 2: ');
    const images = chunksOf(outcome)
      .flatMap(({ choices = [] }) => choices)
      .flatMap(({ delta }) => (delta?.['images'] ?? []) as object[]);
    expect(images).toMatchObject([
      {
        type: 'image_url',
        image_url: { url: expect.stringMatching(/^data:image\/png;base64,iVBORw0KGgo/) },
        index: 0,
        extra_content: { google: { text_offset: 8, thought_signature: 'BBImageOne==' } },
      },
      { index: 1, extra_content: { google: { text_offset: 20 } } },
    ]);
  },
  'gemini-native-two-candidates': (outcome) => {
    expect([textOf(outcome, 0), textOf(outcome, 1)]).toEqual(['Red.', 'Blue!']);
    expect(finishReasons(outcome)).toEqual(['stop', 'length']);
  },
  'gemini-native-safety': (outcome) => {
    expect(finishReasons(outcome)).toEqual(['content_filter']);
    expect(chunksOf(outcome).at(-2)?.choices?.[0]).toMatchObject({
      native_finish_reason: 'SAFETY',
      extra_content: { google: { safetyRatings: [{ probability: 'HIGH' }] } },
    });
  },
};

const FAILING_STREAMS: Readonly<Record<string, Failing>> = {
  'gemini-native-prompt-blocked': {
    code: 'upstream_rejected',
    says: 'PROHIBITED_CONTENT',
    text: '',
  },
  'gemini-native-error-mid-stream': {
    code: 'upstream_unavailable',
    says: 'overloaded',
    text: 'Half',
  },
  'gemini-native-malformed-call': {
    code: 'upstream_interrupted',
    says: 'MALFORMED_FUNCTION_CALL: Malformed function call',
    text: 'Let me',
  },
};

const WHOLE: Readonly<Record<string, (outcome: Outcome) => void>> = {
  'gemini-native-json': (outcome) => {
    expect(outcome.json.map((json) => JSON.parse(json) as unknown)).toEqual([
      {
        id: 'JsOmaQJson',
        object: 'chat.completion',
        created: 1_700_000_000,
        model: 'gemini-3.1-pro-preview',
        choices: [
          {
            index: 0,
            logprobs: null,
            message: {
              role: 'assistant',
              refusal: null,
              content: 'Rome, ü.',
              reasoning_content: '**A capital**',
              reasoning_details: [
                {
                  type: 'reasoning.encrypted',
                  data: 'EqRome==',
                  id: 'text:0-8',
                  format: 'google-gemini-v1',
                  index: 0,
                },
              ],
            },
            finish_reason: 'stop',
            native_finish_reason: 'STOP',
          },
        ],
        usage: {
          prompt_tokens: 11,
          completion_tokens: 64,
          total_tokens: 75,
          prompt_tokens_details: { cached_tokens: 0 },
          completion_tokens_details: { reasoning_tokens: 60 },
        },
      },
    ]);
  },
  'gemini-native-tool-calls-json': (outcome) => {
    expect(chunksOf(outcome)[0]?.choices?.[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        role: 'assistant',
        content: null,
        tool_calls: [
          {
            id: 'x2ij56kl',
            type: 'function',
            function: { name: 'get_weather', arguments: '{"city":"Köln"}' },
            extra_content: { google: { thought_signature: 'EtKoeln==' } },
          },
        ],
      },
    });
    expect(outcome.json.join('')).not.toContain('"tool_calls":[{"index"');
  },
  'gemini-native-image-json': (outcome) => {
    expect(chunksOf(outcome)[0]?.choices?.[0]?.message).toMatchObject({
      content: 'Here it is: ',
      images: [
        { type: 'image_url', image_url: { url: expect.stringMatching(/^data:image\/png/) } },
      ],
    });
  },
  'gemini-native-prompt-blocked-json': (outcome) => {
    expect(outcome.error).toMatchObject({ code: 'upstream_rejected', status: 400 });
  },
};

describeRecordedReplies({
  kind: 'gemini',
  streams: STREAMS,
  failingStreams: FAILING_STREAMS,
  whole: WHOLE,
  // There is no event for the end, and the last blank line may come as a CR alone.
  ending: '\n',
});

const event = (response: object) => `data: ${JSON.stringify(response)}\n\n`;
const ends = (finishReason: string, more: object = {}) =>
  event({ candidates: [{ content: { parts: [{ text: 'x' }] }, finishReason, ...more }] });
const streamed = (text: string, choices = 1) =>
  replay([Buffer.from(text)], { stream: true, kind: 'gemini', choices });

describe('the end of an answer of Gemini', () => {
  test('is a content filter for every kind of refusal, and length where its limit was reached', async () => {
    const reasons = {
      RECITATION: 'content_filter',
      PROHIBITED_CONTENT: 'content_filter',
      BLOCKLIST: 'content_filter',
      SPII: 'content_filter',
      IMAGE_SAFETY: 'content_filter',
      MAX_TOKENS: 'length',
      STOP: 'stop',
    };
    for (const [native, reason] of Object.entries(reasons)) {
      expect(finishReasons(await streamed(ends(native)))).toEqual([reason]);
    }
  });

  test('is a failure where the reason is none of a complete answer, known or not', async () => {
    for (const native of ['OTHER', 'NO_IMAGE', 'UNEXPECTED_TOOL_CALL', 'SOMETHING_NEW']) {
      const { error } = await streamed(ends(native));
      expect(error).toMatchObject({ code: 'upstream_interrupted' });
      expect(error?.message).toContain(native);
    }
  });

  test('is missing as long as one of the candidates has none', async () => {
    const first = ends('STOP', { index: 0 });
    expect((await streamed(first, 2)).error).toMatchObject({ code: 'upstream_interrupted' });
    expect((await streamed(first + ends('STOP', { index: 1 }), 2)).error).toBeNull();
  });
});

describe('a reply of Gemini', () => {
  test('that comes as a list of responses where events were asked for is a stream all the same', async () => {
    const responses = fixture('gemini-native-stream')
      .toString()
      .split('\r\n\r\n')
      .filter((text) => text !== '')
      .map((text) => text.replace('data: ', ''));
    const listed = await replay([Buffer.from(`[${responses.join(',\n')}]`)], {
      stream: true,
      kind: 'gemini',
      contentType: 'application/json; charset=UTF-8',
    });
    expect(listed.error).toBeNull();
    expect(textOf(listed)).toBe('Grüße 😀');
    expect(chunksOf(listed).at(-1)?.usage?.completion_tokens).toBe(46);
  });

  test('without candidates, or with others than objects, keeps to no protocol', async () => {
    for (const body of [
      '{}',
      '{"candidates":[1]}',
      '{"candidates":[{"content":{"parts":1}}]}',
      '7',
    ]) {
      const { error } = await replay([Buffer.from(body)], { stream: false, kind: 'gemini' });
      expect(error).toMatchObject({ code: 'upstream_protocol_error' });
    }
  });

  test('tells the log probabilities in OpenAI’s form', async () => {
    const logprobsResult = {
      chosenCandidates: [{ token: 'ü', logProbability: -0.5 }],
      topCandidates: [{ candidates: [{ token: 'ü', logProbability: -0.5 }] }],
    };
    const outcome = await streamed(ends('STOP', { logprobsResult }));
    const token = { token: 'ü', logprob: -0.5, bytes: [195, 188] };
    expect(chunksOf(outcome)[0]?.choices?.[0]).toMatchObject({
      logprobs: { content: [{ ...token, top_logprobs: [token] }] },
    });
  });

  test('keeps parts that OpenAI’s form has no place for', async () => {
    const part = { executableCode: { language: 'PYTHON', code: 'print(1)' } };
    const outcome = await streamed(
      event({ candidates: [{ content: { parts: [part] }, finishReason: 'STOP' }] }),
    );
    expect(outcome.json[0]).toContain(JSON.stringify(part));
  });
});

interface Call {
  readonly index: number;
  readonly id: string;
}

function callsIn(outcome: Outcome): Call[] {
  return chunksOf(outcome)
    .flatMap(({ choices = [] }) => choices)
    .flatMap(({ delta }) => (delta?.['tool_calls'] ?? []) as Call[]);
}
