// The short cut of chunks that repeat one another: what a client is sent is the same with it and without it, to the
// byte, whatever comes and however it is cut.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { fixture, TARGET } from '../../test/harness/replay.ts';
import { toGatewayError } from '../domain/errors.ts';
import { driveInto, END, piecesOf, type Pieces, type Sink } from '../domain/pieces.ts';
import { parseDocument } from '../json/document.ts';
import { createProvider } from '../providers/by-kind.ts';
import { withholdCredentials } from '../providers/withhold-credentials.ts';
import { readToCommit, resumed } from '../routing/commit.ts';
import { prepareRelay } from './relay.ts';

interface Seen {
  readonly text: string;
  /** The code of the error that ended it. */
  readonly error: string | null;
  /** Of usage that the upstream told. */
  readonly usage: readonly unknown[];
  /** Reads that took the short cut. */
  readonly short: number;
}

/** Reads of the network, offered to the short cut first where `isShort`. */
function body(reads: readonly Buffer[], isShort: boolean, onShort: () => void): Pieces<Uint8Array> {
  let at = 0;
  return piecesOf<Uint8Array>({
    async next() {
      const value = reads[at++];
      return value === undefined ? END : { done: false, value };
    },
    drive(sink) {
      const shortcut = isShort ? sink.shortcut?.() : undefined;
      for (const bytes of reads.slice(at)) {
        // As it lies in a read of the network, with other bytes around it.
        const around = Buffer.concat([Buffer.from('5\r\n'), bytes, Buffer.from('\r\n')]);
        if (shortcut && shortcut(around, 3, 3 + bytes.length) !== false) onShort();
        else void sink.take(bytes);
      }
      sink.end();
    },
    close: () => undefined,
  });
}

/** What a client is sent of an upstream's reply that comes in these reads. */
async function relayed(
  reads: readonly Buffer[],
  { isShort = true, asksForUsage = false } = {},
): Promise<Seen> {
  let short = 0;
  const response = {
    contentType: 'text/event-stream',
    chunks: () => body(reads, isShort, () => short++),
    discard() {},
    whole: () => null,
  };
  const provider = withholdCredentials(createProvider({ post: async () => response }));
  const asked = asksForUsage ? '"stream_options":{"include_usage":true},' : '';
  const usage: unknown[] = [];
  const alias = { name: 'ali"äs', minMaxTokens: null, hedgeMs: null, capabilities: {} };
  const deps = {
    catalog: { find: () => alias },
    router: {
      plan: () => [],
      async open(_: unknown, signal: AbortSignal) {
        const call = { body: '{}', stream: true, requestId: 'req_1' };
        const reply = await provider.ask(TARGET, call, signal);
        if (reply.kind === 'json') throw new TypeError('not a stream');
        const held = await readToCommit(reply.events);
        const events = resumed(held, reply.events, { onFailure() {}, onEnd() {} });
        return { target: TARGET, reply: { kind: 'stream', events } };
      },
    },
  } as unknown as Parameters<typeof prepareRelay>[1];
  const document = parseDocument(`{${asked}"model":"alias","stream":true,"messages":[]}`);
  const request = {
    document,
    alias: 'alias',
    messages: [],
    stream: true,
    requestId: 'req_1',
    witness: {
      onAttempt() {},
      onAnswer() {},
      onUsage: (told: unknown) => void usage.push(told),
    },
  };
  const source = prepareRelay(request, deps).events(new AbortController().signal);
  let text = '';
  const error = await new Promise<string | null>((resolve) => {
    const sink: Sink<string> = {
      take: (piece) => void (text += piece),
      end: () => resolve(null),
      fail: (cause) => resolve(toGatewayError(cause).code),
    };
    driveInto(source, sink);
  });
  return { text, error, usage, short };
}

const chunk = (delta: object, more: object = {}) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1_700_000_000,
  model: 'engine/model',
  choices: [{ index: 0, delta, finish_reason: null, ...more }],
});
const event = (value: unknown) => Buffer.from(`data: ${JSON.stringify(value)}\n\n`);
const said = (content: string) => event(chunk({ content }));
const END_OF_STREAM = [
  event(chunk({}, { finish_reason: 'stop' })),
  event({ ...chunk({}), choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 } }),
  Buffer.from('data: [DONE]\n\n'),
];

describe('chunks that differ by their text alone', () => {
  test('take the short cut after the first of them, several in one read as well', async () => {
    const reads = [said('Rome'), said(' is'), said(' old — 永远'), said(' and')];
    const both = Buffer.concat([said(' so'), said(' on')]);
    const seen = await relayed([...reads, both, ...END_OF_STREAM]);
    expect(seen.short).toBe(4);
    const own = await relayed([...reads, both, ...END_OF_STREAM], { isShort: false });
    expect(own.short).toBe(0);
    expect({ ...seen, short: 0 }).toEqual(own);
    expect(seen.text).toContain('"content":" old — 永远"');
    expect(seen.text).toContain('"model":"ali\\"äs"');
    expect(seen.text).not.toContain('engine/model');
  });

  test('of reasoning take it too, and again after the answer has begun', async () => {
    const thought = (reasoning_content: string) =>
      event(chunk({ content: null, reasoning_content }));
    const reads = [thought('Hm'), thought(', '), thought('so'), said('Yes'), said('.'), said('!')];
    const seen = await relayed([...reads, ...END_OF_STREAM]);
    // The last of a frame, and the first of another, go the long way.
    expect(seen.short).toBe(4);
  });

  test('count for the estimate of an upstream that does not count', async () => {
    const reads = [said('one'), said(' two'), said(' dreißig'), said(' x'.repeat(200))];
    const end = [event(chunk({}, { finish_reason: 'stop' })), Buffer.from('data: [DONE]\n\n')];
    const [short, long] = await Promise.all([
      relayed([...reads, ...end], { asksForUsage: true }),
      relayed([...reads, ...end], { asksForUsage: true, isShort: false }),
    ]);
    expect(short.short).toBe(3);
    expect(short.text).toContain('"estimated":true');
    expect(short.text).toBe(long.text);
  });
});

describe('a chunk goes the long way', () => {
  const plain = [said('a'), said('b')];
  const others: Record<string, Buffer> = {
    'that ends a choice': event(chunk({ content: 'x' }, { finish_reason: 'length' })),
    'of another choice': event(chunk({ content: 'x' }, { index: 1 })),
    'with usage': event({ ...chunk({ content: 'x' }), usage: { prompt_tokens: 1 } }),
    'with an error': event({ ...chunk({ content: 'x' }), error: { message: 'broken' } }),
    'with a call of a tool': event(chunk({ content: 'x', tool_calls: [{ id: 'c' }] })),
    'with an escape': said('say "x"'),
    'that is no JSON': Buffer.from(said('x').toString().replace('"x"', '"x"y"')),
    'with a bare control character': Buffer.from(said('x').toString().replace('"x"', '"\t"')),
    'that is no UTF-8': Buffer.from(said('\xff').toString('latin1').replace('Ã', ''), 'latin1'),
    'with a replacement character of its own': said('\uFFFD'),
    'with a comment before it': Buffer.concat([Buffer.from(': ping\n\n'), said('x')]),
    'in a cut read': said('x').subarray(0, -1),
  };
  for (const [name, odd] of Object.entries(others)) {
    test(name, async () => {
      const rest = name === 'in a cut read' ? [Buffer.from('\n')] : [];
      const reads = [...plain, odd, ...rest, said('c'), ...END_OF_STREAM];
      const [short, long] = await Promise.all([relayed(reads), relayed(reads, { isShort: false })]);
      expect({ ...short, short: 0 }).toEqual(long);
      // `b`, and `c` where the stream goes on and nothing new was learnt.
      expect(short.short).toBeLessThanOrEqual(2);
      expect(short.short).toBeGreaterThanOrEqual(1);
    });
  }

  test('always, in a stream that puts new bytes elsewhere into each of them', async () => {
    const reads = Array.from({ length: 12 }, (_, nth) =>
      event({ ...chunk({ content: 'x' }), obfuscation: `${nth}` }),
    );
    // Two in a row are alike, but by then nobody looks any more.
    const seen = await relayed([...reads, ...reads.slice(-1), ...reads.slice(-1)]);
    expect(seen.short).toBe(0);
  });
});

test('Replies of real engines are the same with the short cut and without it', async () => {
  const names = [
    'llama-cpp-stream',
    'llama-cpp-two-choices',
    'vllm-stream',
    'vllm-tool-calls',
    'vllm-error-mid-stream',
    'sglang-stream',
    'deepseek-stream',
    'azure-stream',
    'lmstudio-stream',
    'openrouter-stream',
    'openrouter-error-mid-stream',
    'gemini-tool-calls',
    'ollama-stream',
    'sse-line-ends',
  ];
  for (const name of names) {
    const events = fixture(name)
      .toString('latin1')
      .split(/(?<=\n\n)/);
    const reads = events.map((text) => Buffer.from(text, 'latin1'));
    const [short, long] = await Promise.all([relayed(reads), relayed(reads, { isShort: false })]);
    expect({ name, ...short, short: 0 }).toEqual({ name, ...long });
  }
});

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.string({ unit: 'binary', maxLength: 6 }).map((any) => any.toWellFormed()),
  fc.constantFrom('', '\\', '"', '\n', '\u2028', 'é', '\uFFFD', '😀'),
);
/** JSON of an event as engines write it, in several orders, with nulls beside it and spaces in between. */
const SHAPES: readonly ((json: string) => string)[] = [
  (json) => `data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":${json}}}]}\n\n`,
  (json) =>
    `data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":${json}}}],"model":"m"}\n\n`,
  (json) =>
    `data: {"model": "m", "choices": [ { "delta": { "role": "assistant", "content": ${json} } } ], "usage": null}\n\n`,
  (json) =>
    `data: {"model":"m","choices":[{"index":0,"delta":{"content":null,"reasoning_content":${json},"tool_calls":null}}],"usage":null}\n\n`,
  (json) =>
    `data: {"model":"m","choices":[{"index":0,"delta":{"content":"a","content":${json}}}]}\n\n`,
  (json) =>
    `data: {"model":"m","choices":[{"index":0,"delta":{"content":${json},"reasoning":"r"}}]}\n\n`,
  (json) => `data: {"model":"m","choices":[{"index":1,"delta":{"content":${json}}}]}\n\n`,
  (json) => `data: {"model":"m","choices":[{"index":0,"text":${json}}]}\r\n\r\n`,
  (json) => `event: x\ndata: {"model":"m","choices":[{"index":0,"delta":{"content":${json}}}]}\n\n`,
];
const escaped = (json: string) =>
  json.replaceAll(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
const plainEvent = fc.record({
  shape: fc.constantFrom(...SHAPES),
  texts: fc.array(text, { minLength: 1, maxLength: 6 }),
  isEscaped: fc.boolean(),
});
const run = plainEvent.map(({ shape, texts, isEscaped }) =>
  texts.map((one) => {
    const json = JSON.stringify(one);
    return Buffer.from(shape(isEscaped ? escaped(json) : json));
  }),
);
const odd = fc.constantFrom(
  ': comment\n\n',
  'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
  'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\n',
  'data: {"error":{"message":"no"}}\n\n',
  'data: {"model":"m","choices":[{"index":0,"delta":{"content":"a\tb"}}]}\n\n',
  'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"a"b"}}]}\n\n',
  'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"\xff\xfe"}}]}\n\n',
  'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"\xef\xbb\xbf"}}]}\n\n',
  'data: [DONE]\n\n',
);
const stream = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: run },
    { weight: 1, arbitrary: odd.map((bytes) => [Buffer.from(bytes, 'latin1')]) },
  ),
  { minLength: 1, maxLength: 8 },
);

/** The same bytes in other reads: some joined, some cut. */
function asRead(events: readonly Buffer[], joins: number[], cuts: number[]): Buffer[] {
  const joined = new Set(joins.map((at) => at % events.length));
  const reads: Buffer[] = [];
  for (const [nth, bytes] of events.entries()) {
    const before = joined.has(nth) ? reads.pop() : undefined;
    reads.push(before ? Buffer.concat([before, bytes]) : bytes);
  }
  for (const cut of cuts) {
    const at = cut % reads.length;
    const bytes = reads[at] ?? Buffer.alloc(0);
    const place = cut % (bytes.length + 1);
    reads.splice(at, 1, bytes.subarray(0, place), bytes.subarray(place));
  }
  return reads.filter((bytes) => bytes.length > 0);
}

test('With the short cut and without it, whatever comes and however it is cut', async () => {
  let short = 0;
  const received = fc
    .tuple(stream, fc.array(fc.nat(), { maxLength: 3 }), fc.array(fc.nat(), { maxLength: 4 }))
    .map(([runs, joins, cuts]) => asRead([...runs.flat(), ...END_OF_STREAM], joins, cuts));
  await fc.assert(
    fc.asyncProperty(received, fc.boolean(), async (reads, asksForUsage) => {
      const seen = await relayed(reads, { asksForUsage });
      const long = await relayed(reads, { asksForUsage, isShort: false });
      expect({ ...seen, short: 0 }).toEqual(long);
      short += seen.short;
    }),
    { numRuns: 1_000 },
  );
  expect(short).toBeGreaterThan(1_000);
});
