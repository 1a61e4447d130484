// Quantiles of counted durations lie near the exact ones, whatever was counted.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { BIN_COUNT, binOf, quantile } from './latency-bins.ts';

const counted = (durations: readonly number[]): number[] => {
  const counts = Array.from({ length: BIN_COUNT }, () => 0);
  for (const ms of durations) counts[binOf(ms)] = (counts[binOf(ms)] ?? 0) + 1;
  return counts;
};

test('a quantile is less than half again, and more than two thirds, of the exact one', () => {
  const durations = fc.array(fc.double({ min: 5.01, max: 400_000, noNaN: true }), { minLength: 1 });
  fc.assert(
    fc.property(durations, fc.double({ min: 0.01, max: 1, noNaN: true }), (list, share) => {
      const sorted = list.toSorted((a, b) => a - b);
      const exact = sorted[Math.ceil(share * list.length) - 1] ?? 0;
      const found = quantile(counted(list), share) ?? 0;
      expect(found).toBeGreaterThan(exact / 1.51);
      expect(found).toBeLessThan(exact * 1.51);
    }),
  );
});

test('quantiles of one set grow with the share', () => {
  const durations = fc.array(fc.double({ min: 0, max: 1e7, noNaN: true }), { minLength: 1 });
  fc.assert(
    fc.property(durations, (list) => {
      const counts = counted(list);
      const found = [0.1, 0.5, 0.9, 0.95, 1].map((share) => quantile(counts, share) ?? 0);
      expect(found).toEqual(found.toSorted((a, b) => a - b));
    }),
  );
});

test('nothing counted has no quantile', () => {
  expect(quantile(counted([]), 0.5)).toBeNull();
});

test.each([
  [-1, 0],
  [Number.NaN, 0],
  [0, 0],
  [5, 0],
  [5.01, 1],
  [7.5, 1],
  [1e12, BIN_COUNT - 1],
])('%d ms is counted in bin %d', (ms, bin) => {
  expect(binOf(ms)).toBe(bin);
});
