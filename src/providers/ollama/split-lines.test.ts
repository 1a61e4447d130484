import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { createLineSplitter } from './split-lines.ts';

test('the same lines come out however the text is cut', () => {
  const text = fc.array(fc.constantFrom('{"a":1}', 'ü😀', ' ', '\n', '\r\n', '\n\n'));
  fc.assert(
    fc.property(text, fc.array(fc.nat(40)), (pieces, cuts) => {
      const whole = pieces.join('');
      const points = [...new Set(cuts)].toSorted((a, b) => a - b);
      const splitter = createLineSplitter(1_000);
      const lines = [0, ...points].flatMap((from, index) =>
        splitter.push(whole.slice(from, points[index])),
      );
      const expected = whole.split('\n');
      const rest = expected.pop();
      expect(lines).toEqual(expected.filter((line) => line.trim() !== ''));
      expect(splitter.rest()).toBe(rest ?? '');
    }),
  );
});

test('a line that grows beyond its ceiling is refused', () => {
  const splitter = createLineSplitter(100);
  splitter.push('x'.repeat(60));
  expect(() => splitter.push('x'.repeat(60))).toThrow(RangeError);
});
