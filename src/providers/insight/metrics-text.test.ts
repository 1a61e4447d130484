// Pages in Prometheus's text format: what is read out of them, and what is not taken for it.
import { expect, test } from 'bun:test';
import { readMetrics, shareOf } from './metrics-text.ts';

const read = (text: string, ...names: string[]) => readMetrics(text, new Set(names));

test('sums a metric over its label sets, and finds the fullest', () => {
  const metrics = read('m{engine="0"} 3\nm{engine="1"} 4.5\n', 'm');
  expect(metrics.sum('m')).toBe(7.5);
  expect(metrics.max('m')).toBe(4.5);
});

test('a metric that is not there is null, not 0', () => {
  const metrics = read('other 3\n', 'm');
  expect(metrics.sum('m')).toBeNull();
  expect(metrics.max('m')).toBeNull();
  expect(metrics.samples('m')).toEqual([]);
});

test('takes the first name that is there, and never adds an old name to a new one', () => {
  expect(read('old 1\nnew 5\n', 'old', 'new').sum('new', 'old')).toBe(5);
  expect(read('old 1\n', 'old', 'new').sum('new', 'old')).toBe(1);
});

test('a counter is found with _total and without', () => {
  expect(read('hits_total{a="b"} 1.2e+06\n', 'hits').sum('hits')).toBe(1_200_000);
  expect(read('hits 7\n', 'hits').sum('hits')).toBe(7);
});

test('names that only begin alike are other metrics', () => {
  const text = 'm_by_reason{a="b"} 9\nm_created 1\nm_bucket{le="1"} 2\nmm 3\nm 1\n';
  expect(read(text, 'm').sum('m')).toBe(1);
});

test('reads labels with braces, quotes, commas and blanks in them', () => {
  const text = String.raw`m{a="x} 9",b="say \"hi\", {you}" , c="" ,} 4 1712345678` + '\n';
  const metrics = read(text, 'm');
  expect(metrics.sum('m')).toBe(4);
  expect(metrics.samples('m')[0]?.labels.get('a')).toBe('x} 9');
});

test('lines end in \\n or \\r\\n; comments and blank lines are nothing', () => {
  expect(read('# TYPE m gauge\r\n\r\nm 2\r\n# m 3\n', 'm').sum('m')).toBe(2);
});

test.each([
  'm',
  'm ',
  'm abc',
  'm NaN',
  'm +Inf',
  'm{a="b"}',
  'm{a="b" 3',
  'm{a=b} 3',
  'm{a="b} 3',
  '{} 3',
  '<html>m 3</html>',
])('%p is left out', (line) => {
  expect(read(`${line}\nother 1\n`, 'm').sum('m')).toBeNull();
});

test('a line that breaks off is left out, and those before it are not', () => {
  expect(read('m{a="1"} 2\nm{a="2', 'm').sum('m')).toBe(2);
});

test('a line with fifty thousand labels is read whole', () => {
  const labels = Array.from({ length: 50_000 }, (_, at) => `l${at}="${'\\\\'.repeat(5)}"`).join(
    ',',
  );
  expect(read(`m{${labels}} 1\n`, 'm').samples('m')[0]?.labels.size).toBe(50_000);
});

test('shares stay between 0 and 1', () => {
  expect([1.2, -0.1, 0.5, null].map(shareOf)).toEqual([1, 0, 0.5, null]);
});
