import { describe, expect, test } from 'bun:test';
import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { createEventSplitter, type SseEvent } from './split.ts';

function splitAll(chunks: readonly string[]): SseEvent[] {
  const splitter = createEventSplitter(1_000_000);
  return chunks.flatMap((chunk) => splitter.push(chunk));
}

function cut(text: string, cuts: readonly number[]): string[] {
  const points = [...new Set(cuts.map((point) => point % (text.length + 1)))].toSorted(
    (a, b) => a - b,
  );
  return [0, ...points].map((point, index) => text.slice(point, points[index] ?? text.length));
}

const line = fc.oneof(
  fc.constantFrom(
    'data: {"a":1}',
    'data:',
    'data',
    'data:  x',
    ': ping',
    ':',
    'event: error',
    'id: 7',
    'retry: 5',
    '',
    '',
    '',
  ),
  fc.string({ unit: 'binary-ascii' }).map((text) => `data: ${text.replaceAll(/[\r\n]/g, '')}`),
);
const lineEnd = fc.constantFrom('\n', '\r\n', '\r');
const stream = fc
  .array(fc.tuple(line, lineEnd))
  .map((lines) => lines.map(([text, end]) => text + end).join(''));

describe('the event splitter', () => {
  test('finds the same events as eventsource-parser, whatever the line ends and cuts', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(500)), fc.boolean(), (text, cuts, bom) => {
        const whole = bom ? `\uFEFF${text}` : text;
        const expected: string[] = [];
        const parser = createParser({
          onEvent: (event) => expected.push(JSON.stringify([event.event ?? null, event.data])),
        });
        parser.feed(whole.endsWith('\r') ? `${whole}\n` : whole);
        const found = splitAll(cut(whole, cuts))
          .filter((event) => event.data !== null)
          .map((event) => JSON.stringify([event.type, event.data]));
        expect(found).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  test('gives the same events for every way of cutting a stream', () => {
    const text =
      ': a\r\ndata: 1\r\ndata: 2\r\n\r\ndata: ü😀\n\nevent: error\rdata: 3\r\rdata: [DONE]\n\n';
    const whole = splitAll([text]);
    expect(whole.map((event) => event.data)).toEqual(['1\n2', 'ü😀', '3', '[DONE]']);
    for (let at = 0; at <= text.length; at++) {
      expect(splitAll([text.slice(0, at), text.slice(at)])).toEqual(whole);
    }
    expect(splitAll(text.split(''))).toEqual(whole);
  });

  test('drops an event that the end of the stream cuts off', () => {
    expect(splitAll(['data: 1\n\ndata: {"half'])).toHaveLength(1);
  });

  test('refuses an event that grows beyond its ceiling', () => {
    const splitter = createEventSplitter(100);
    splitter.push(`data: ${'x'.repeat(60)}`);
    expect(() => splitter.push('x'.repeat(60))).toThrow(RangeError);
  });

  test('reports comments apart from data', () => {
    expect(splitAll([': ping\n\n'])).toEqual([{ data: null, type: null, comments: [' ping'] }]);
  });
});
