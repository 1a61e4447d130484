// Anthropic's replies in fixtures/ as OpenAI's chunks and completions, however the network cuts them.
import { describe, expect, test } from 'bun:test';
import { chunksOf, fixture, replay, textOf, type Outcome } from '../../../test/harness/replay.ts';
import {
  describeRecordedReplies,
  finishReasons,
  toolArguments,
  type Failing,
} from '../testing/contract.ts';

const SIGNATURE = 'EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds/8f7Nq+KYUo==';
const FORMAT = 'anthropic-claude-v1';

const STREAMS: Readonly<Record<string, (outcome: Outcome) => void>> = {
  'anthropic-stream': (outcome) => {
    expect(outcome.comments).toEqual([' ping', ' ping']);
    expect(textOf(outcome)).toBe('Grüße aus 😀.\n');
    expect(outcome.json[0]).toBe(
      '{"id":"msg_01AbCdEfGhJkLmNpQrStUvWx","object":"chat.completion.chunk","created":1700000000,"model":"fake-model",' +
        '"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}',
    );
    expect(chunksOf(outcome).at(-2)).toMatchObject({
      choices: [{ index: 0, delta: {}, finish_reason: 'stop', native_finish_reason: 'end_turn' }],
    });
    expect(chunksOf(outcome).at(-1)).toMatchObject({
      choices: [],
      usage: {
        prompt_tokens: 2361,
        completion_tokens: 9,
        total_tokens: 2370,
        prompt_tokens_details: { cached_tokens: 2048, cache_write_tokens: 301 },
      },
    });
  },
  'anthropic-tools': (outcome) => {
    expect(textOf(outcome)).toBe('Let me look.');
    expect(toolArguments(outcome)).toEqual(['', '{"city": "K', 'öln"}', '', '{}']);
    expect(toolStarts(outcome)).toEqual([
      { index: 0, id: 'toolu_01PaRiSpArIsPaRiSpArIs', name: 'get_weather' },
      { index: 1, id: 'toolu_01NoWnOwNoWnOwNoWnOwNo', name: 'get_time' },
    ]);
    expect(finishReasons(outcome)).toEqual(['tool_calls']);
    expect(chunksOf(outcome).at(-1)?.usage).toMatchObject({
      prompt_tokens: 391,
      completion_tokens: 89,
    });
  },
  'anthropic-thinking': (outcome) => {
    const deltas = chunksOf(outcome).map(({ choices = [] }) => choices[0]?.delta ?? {});
    expect(deltas.flatMap((delta) => delta['reasoning_content'] ?? [])).toEqual([
      '27 is odd',
      ', so halve 453…',
    ]);
    expect(deltas.flatMap((delta) => delta['reasoning_details'] ?? [])).toEqual([
      {
        type: 'reasoning.text',
        text: '27 is odd, so halve 453…',
        signature: SIGNATURE,
        format: FORMAT,
        index: 0,
      },
      {
        type: 'reasoning.encrypted',
        format: FORMAT,
        index: 1,
        data: 'EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5L8rLVyIwxtE3rAFBa8cr3qpP',
      },
      {
        type: 'reasoning.text',
        text: '',
        signature: 'ErUBomittedText+/==',
        format: FORMAT,
        index: 3,
      },
    ]);
    expect(textOf(outcome)).toBe('12,231');
    expect(toolArguments(outcome).join('')).toBe('{"a":27,"b":12345678901234567890}');
    expect(chunksOf(outcome).at(-1)?.usage).toMatchObject({
      completion_tokens_details: { reasoning_tokens: 150 },
    });
  },
  'anthropic-refusal': (outcome) => {
    expect(finishReasons(outcome)).toEqual(['content_filter']);
    expect(chunksOf(outcome).at(-2)?.choices?.[0]?.delta).toEqual({
      refusal: 'The request asks for working malware.',
    });
  },
};

const FAILING_STREAMS: Readonly<Record<string, Failing>> = {
  'anthropic-error-mid-stream': { code: 'upstream_unavailable', says: 'Overloaded', text: 'Half' },
  'anthropic-overloaded-first': { code: 'upstream_unavailable', says: 'Overloaded', text: '' },
};

const WHOLE: Readonly<Record<string, (outcome: Outcome) => void>> = {
  'anthropic-json': (outcome) => {
    expect(chunksOf(outcome)).toMatchObject([
      {
        id: 'msg_01WholeWholeWholeWholeWh',
        object: 'chat.completion',
        created: 1_700_000_000,
        model: 'fake-model',
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content: 'Rome. Grüße 😀' },
            finish_reason: 'stop',
            native_finish_reason: 'end_turn',
          },
        ],
        usage: {
          prompt_tokens: 1038,
          completion_tokens: 6,
          total_tokens: 1044,
          prompt_tokens_details: { cached_tokens: 1024, cache_write_tokens: 0 },
        },
      },
    ]);
  },
  'anthropic-json-tools': (outcome) => {
    const message = chunksOf(outcome)[0]?.choices?.[0]?.message;
    expect(message).toMatchObject({
      content: 'Looking.',
      reasoning_content: 'Two cities.',
      reasoning_details: [
        { type: 'reasoning.text', text: 'Two cities.', signature: SIGNATURE, index: 0 },
        { type: 'reasoning.encrypted', data: 'EmwKAhgB+/==', index: 1 },
      ],
      tool_calls: [
        {
          id: 'toolu_01AAAAAAAAAAAAAAAAAAAAAA',
          type: 'function',
          function: {
            name: 'get_weather',
            arguments: '{"city":"Köln","station":12345678901234567890}',
          },
        },
        { function: { name: 'get_time', arguments: '{}' } },
      ],
    });
    expect(finishReasons(outcome)).toEqual(['tool_calls']);
  },
  'anthropic-json-cut': (outcome) => {
    expect(finishReasons(outcome)).toEqual(['length']);
  },
};

describeRecordedReplies({
  kind: 'anthropic',
  streams: STREAMS,
  failingStreams: FAILING_STREAMS,
  whole: WHOLE,
  ending: 'event: message_stop\ndata: {"type":"message_stop"}\n',
});

const asked = { stream: true, kind: 'anthropic' };

/** The recorded stream with one text in it changed. */
async function replayChanged(from: string, to: string): Promise<Outcome> {
  const recorded = fixture('anthropic-stream').toString();
  expect(recorded).toContain(from);
  return await replay([Buffer.from(recorded.replace(from, to))], asked);
}

describe('how a message ends', () => {
  const reasons = {
    end_turn: 'stop',
    stop_sequence: 'stop',
    tool_use: 'tool_calls',
    max_tokens: 'length',
    model_context_window_exceeded: 'length',
    pause_turn: 'length',
    refusal: 'content_filter',
    something_new: 'length',
  };
  for (const [reason, expected] of Object.entries(reasons)) {
    test(`${reason} is ${expected}`, async () => {
      const outcome = await replayChanged('"stop_reason":"end_turn"', `"stop_reason":"${reason}"`);
      expect(finishReasons(outcome)).toEqual([expected]);
      expect(outcome.json.at(-2)).toContain(`"native_finish_reason":"${reason}"`);
      expect(outcome.error).toBeNull();
    });
  }

  test('message_stop without a reason cuts the answer off', async () => {
    const outcome = await replayChanged('"stop_reason":"end_turn"', '"stop_reason":null');
    expect(outcome.error?.code).toBe('upstream_interrupted');
    expect(textOf(outcome)).toBe('Grüße aus 😀.\n');
  });

  test('counts that its last event leaves open are those of its first', async () => {
    const outcome = await replayChanged(
      '"usage":{"input_tokens":12,"cache_creation_input_tokens":301,"cache_read_input_tokens":2048,"output_tokens":9}',
      '"usage":{"input_tokens":null,"cache_read_input_tokens":null,"output_tokens":9}',
    );
    expect(chunksOf(outcome).at(-1)?.usage).toMatchObject({
      prompt_tokens: 2361,
      completion_tokens: 9,
    });
  });

  test('an error after the reason is still an error, and whatever follows message_stop is none', async () => {
    const late = 'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"x"}}';
    const stop = 'event: message_stop\ndata: {"type":"message_stop"}';
    expect((await replayChanged(stop, late)).error?.code).toBe('upstream_unavailable');
    expect((await replayChanged(stop, `${stop}\n\n${late}`)).error).toBeNull();
  });
});

describe('an error event', () => {
  const codes = {
    overloaded_error: 'upstream_unavailable',
    api_error: 'upstream_unavailable',
    rate_limit_error: 'upstream_rate_limited',
    timeout_error: 'upstream_timeout',
    authentication_error: 'upstream_auth_failed',
    billing_error: 'upstream_auth_failed',
    permission_error: 'upstream_auth_failed',
    invalid_request_error: 'upstream_rejected',
    request_too_large: 'upstream_rejected',
    not_found_error: 'upstream_rejected',
    something_new: 'upstream_interrupted',
  };
  for (const [type, code] of Object.entries(codes)) {
    test(`of type ${type} is ${code}, in a stream and instead of a message`, async () => {
      const json = JSON.stringify({ type: 'error', error: { type, message: 'no luck' } });
      const event = Buffer.from(`event: error\ndata: ${json}\n\n`);
      expect((await replay([event], asked)).error?.code).toBe(code);
      const whole = await replay([Buffer.from(json)], { ...asked, stream: false });
      expect(whole.error?.code).toBe(code);
    });
  }

  test('that says that the prompt is too long is told from other refusals', async () => {
    const event = `event: error\ndata: ${fixture('anthropic-prompt-too-long').toString()}\n\n`;
    const { error } = await replay([Buffer.from(event)], asked);
    expect(error?.code).toBe('context_length_exceeded');
  });

  test('in words of a proxy is shown as they are', async () => {
    const { error } = await replay([Buffer.from('event: error\ndata: on fire\n\n')], asked);
    expect(error).toMatchObject({ code: 'upstream_interrupted' });
    expect(error?.message).toContain('on fire');
  });
});

describe('a stream outside of the protocol', () => {
  const faults = {
    'a piece of a message that has not begun': ['message_start', 'message_begun'],
    'a piece of a block that has not begun': ['content_block_start', 'content_block_begun'],
    'an event that is no JSON': ['{"type":"content_block_stop"', '{"type":content_block_stop"'],
    'an event that is no object': ['data: {"type": "ping"}', 'data: "ping"'],
  } as const;
  for (const [what, [from, to]] of Object.entries(faults)) {
    test(`${what} is a protocol error`, async () => {
      const recorded = fixture('anthropic-stream').toString();
      const outcome = await replay([Buffer.from(recorded.replaceAll(from, to))], asked);
      expect(outcome.error?.code).toBe('upstream_protocol_error');
    });
  }

  test('events and deltas of kinds that are not known yet are passed over', async () => {
    const news =
      'event: news\ndata: {"type":"news"}\n\nevent: content_block_delta\ndata: {"type":"content_block_delta",' +
      '"index":0,"delta":{"type":"citations_delta","citation":{"type":"char_location"}}}\n\nevent: content_block_stop';
    const outcome = await replayChanged('event: content_block_stop', news);
    const plain = await replay([fixture('anthropic-stream')], asked);
    expect(outcome).toEqual(plain);
  });

  test('a tool whose input comes whole with its beginning has its arguments', async () => {
    const recorded = fixture('anthropic-tools').toString();
    const bytes = Buffer.from(
      recorded.replace('"name":"get_time","input":{}', '"name":"get_time","input":{"zone":"CET"}'),
    );
    expect(toolArguments(await replay([bytes], asked)).at(-1)).toBe('{"zone":"CET"}');
  });
});

describe('a streaming request that is answered in one piece', () => {
  test('gets a stream with the same answer', async () => {
    const outcome = await replay([fixture('anthropic-json-tools')], {
      ...asked,
      contentType: 'application/json',
    });
    expect(textOf(outcome)).toBe('Looking.');
    expect(toolStarts(outcome).map(({ index }) => index)).toEqual([0, 1]);
    expect(chunksOf(outcome).at(-1)?.usage?.prompt_tokens).toBe(80);
  });

  test('is told of an error that comes as one', async () => {
    const outcome = await replay([fixture('anthropic-overloaded')], {
      ...asked,
      contentType: 'application/json',
    });
    expect(outcome.error?.code).toBe('upstream_unavailable');
  });
});

function toolStarts(outcome: Outcome): { index: number; id: string; name: string }[] {
  return chunksOf(outcome)
    .flatMap(({ choices = [] }) => choices.flatMap(({ delta }) => delta?.['tool_calls'] ?? []))
    .map((call) => call as { index: number; id?: string; function: { name?: string } })
    .flatMap(({ index, id, function: { name } }) => (id && name ? [{ index, id, name }] : []));
}
