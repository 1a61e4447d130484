// Event streams of upstreams, whole and broken, cut into pieces anywhere: a client sees the right bytes or a typed
// error, and never an answer that looks complete and is not.
import { expect } from 'bun:test';
import fc from 'fast-check';
import { framesOf } from '../harness/c1.ts';
import { beginSse, chunk, type FakeUpstream } from '../harness/fake-upstream.ts';
import type { TestGateway } from '../harness/gateway.ts';
import { askStream, endOf, errorIn } from '../harness/v1.ts';
import { tryMany, type FuzzOptions } from './fuzz.ts';
import { expectedOf } from './sse-oracle.ts';

export interface SseTarget {
  readonly upstream: FakeUpstream;
  readonly gateway: Pick<TestGateway, 'request'>;
}

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom('\u2028', '\0', '\uD800', 'data: x\n\n', '[DONE]', '"', '\\', '\r\n', '\uFEFF'),
  fc.integer({ min: 1, max: 40 }).map((times) => 'long '.repeat(times ** 2)),
);
const index = fc.constantFrom(0, 0, 0, 0, 1);

const chunkJson = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(text, index).map(([content, at]) => withIndex(chunk({ content }), at)),
  },
  { weight: 1, arbitrary: fc.constant(chunk({ role: 'assistant', content: '' })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('stop', 'length', 'stop'), index)
      .map(([why, at]) => withIndex(chunk({}, why), at)),
  },
  {
    weight: 1,
    arbitrary: fc.constant({
      ...chunk({}),
      choices: [],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    }),
  },
);

function withIndex(made: object, at: number): object {
  const { choices } = made as { choices: [object] };
  return { ...made, choices: [{ ...choices[0], index: at }] };
}

const data = fc.oneof(
  { weight: 12, arbitrary: chunkJson.map((made) => JSON.stringify(made)) },
  // Laid out over several lines, which are joined again.
  { weight: 1, arbitrary: chunkJson.map((made) => JSON.stringify(made, null, 1)) },
  { weight: 2, arbitrary: fc.constant('[DONE]') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      '{',
      'null',
      '[]',
      '7',
      '"x"',
      '{"choices":[{"index":0,"delta":{"content":"x"}',
      '{"error":{"message":"it broke","type":"server_error"}}',
      '{"error":"it broke"}',
      '{}',
      `{"model":"x","choices":[{"index":0,"delta":{"content":"deep","x":${'['.repeat(100)}${']'.repeat(100)}}}]}`,
      '{"model":"a","model":"b","choices":[{"index":0,"delta":{"content":"two models"}}]}',
      '{"model":7,"usage":7,"choices":[{"index":0,"delta":{"content":"numbers"}}]}',
      '{"choices":null,"a":{"__proto__":{"x":1}}}',
    ),
  },
);

/** Lines of one event; `data` of several lines is several data lines. */
const event = fc
  .record({
    data,
    space: fc.boolean(),
    before: fc.array(
      fc.constantFrom(
        ': comment',
        ':',
        'id: 7',
        'retry: 10',
        'event: message',
        'unknown: x',
        'unknown',
        ': data: x',
      ),
      { maxLength: 2 },
    ),
    isError: fc.nat(40).map((dice) => dice === 40),
  })
  .map(({ data: lines, space, before, isError }) => [
    ...before,
    ...(isError ? ['event: error'] : []),
    ...lines.split('\n').map((line) => `data:${space || line.startsWith(' ') ? ' ' : ''}${line}`),
    '',
  ]);

const stream = fc
  .record({
    events: fc.array(event, { maxLength: 12 }),
    lineEnd: fc.constantFrom('\n', '\n', '\r\n', '\r'),
    bom: fc.integer({ min: 0, max: 9 }),
    garbage: fc.option(fc.tuple(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 4 })), {
      freq: 8,
    }),
    cutAt: fc.option(fc.nat(), { freq: 4 }),
    pieces: fc.array(fc.nat(), { maxLength: 6 }),
    ends: fc.constantFrom('with a FIN', 'with a FIN', 'with an RST'),
  })
  .map(({ events, lineEnd, bom, garbage, cutAt, ...rest }) => {
    let bytes = Buffer.from(
      `${bom === 0 ? '\uFEFF' : ''}${events
        .flat()
        .map((line) => line + lineEnd)
        .join('')}`,
    );
    if (garbage) {
      const at = garbage[0] % (bytes.length + 1);
      bytes = Buffer.concat([bytes.subarray(0, at), garbage[1], bytes.subarray(at)]);
    }
    if (cutAt !== null) bytes = bytes.subarray(0, cutAt % (bytes.length + 1));
    return {
      ...rest,
      bytes,
      [fc.toStringMethod]: () => JSON.stringify({ ...rest, text: bytes.toString() }),
    };
  });

export async function fuzzSse(
  { upstream, gateway }: SseTarget,
  options: FuzzOptions,
): Promise<void> {
  await tryMany(stream, {
    ...options,
    async check({ bytes, pieces, ends }) {
      upstream.calls.length = 0;
      upstream.script = async (call) => {
        await beginSse(call);
        for (const piece of cut(bytes, pieces)) {
          await call.send(piece);
          await new Promise(setImmediate);
        }
        if (ends === 'with a FIN') call.end();
        else await afterReading(call);
      };
      const response = await askStream(gateway);
      compare(expectedOf(bytes), {
        status: response.status,
        text: await response.text(),
        isReset: ends === 'with an RST',
      });
    },
  });
}

/** What is on its way is lost with a reset: it comes once there was time to read what came before. */
async function afterReading(call: { reset(): void }): Promise<void> {
  await Bun.sleep(3);
  call.reset();
}

export function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted(
    (a, b) => a - b,
  );
  return sorted
    .slice(1)
    .map((end, at) => bytes.subarray(sorted[at], end))
    .filter((piece) => piece.length > 0);
}

interface Shown {
  readonly status: number;
  readonly text: string;
  readonly isReset: boolean;
}

function compare(
  expected: ReturnType<typeof expectedOf>,
  { status, text: body, isReset }: Shown,
): void {
  if (status !== 200) {
    expect(expected.errors ?? (isReset ? ['upstream_interrupted'] : 'an answer')).toContain(
      errorIn(body).code,
    );
    return;
  }
  const frames = framesOf(body);
  const { error, malformed } = endOf(frames);
  expect(malformed).toBeNull();
  const shown = frames
    // JSON may begin with a space: the line break of an empty line of data before it.
    .filter(({ data: one }) => /^ *\{(?!"error":)/.test(one))
    .map(({ data: one }) => (JSON.parse(one) as { choices?: object[] }).choices ?? [])
    .filter((choices) => choices.length > 0);
  if (error === null) {
    expect(expected.errors).toBeNull();
    expect(shown).toEqual(expected.choices.map((choices) => [...choices]));
    return;
  }
  const mayEnd = [...(expected.errors ?? []), ...(isReset ? ['upstream_interrupted'] : [])];
  expect(mayEnd).toContain(error);
  expect(shown).toEqual(expected.choices.slice(0, shown.length).map((choices) => [...choices]));
  // What came whole before a fault was said.
  if (!isReset && !expected.mayLack) expect(shown.length).toBe(expected.choices.length);
}
