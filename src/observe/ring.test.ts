// A ring holds what a map of the last hour would hold, in whatever order time passes and things happen.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { HISTORY_BUCKETS } from '../domain/limits.ts';
import { createRing } from './ring.ts';

const read = (ring: ReturnType<typeof createRing>, bucket: number) => {
  const sum = new Float64Array(2);
  ring.addTo(sum, bucket);
  return [...sum];
};

test('what was added within the last hour is there, and what is older is not', () => {
  const steps = fc.array(
    fc.record({
      passed: fc.oneof(fc.nat(3), fc.nat(HISTORY_BUCKETS * 2)),
      field: fc.nat(1),
      by: fc.nat(100),
    }),
  );
  fc.assert(
    fc.property(steps, (list) => {
      const ring = createRing(2);
      const model = new Map<number, number[]>();
      let now = 0;
      for (const { passed, field, by } of list) {
        now += passed;
        ring.add(now, field, by);
        const counts = model.get(now) ?? [0, 0];
        counts[field] = (counts[field] ?? 0) + by;
        model.set(now, counts);
      }
      for (let bucket = now - HISTORY_BUCKETS + 1; bucket <= now; bucket++)
        expect(read(ring, bucket)).toEqual(model.get(bucket) ?? [0, 0]);
      expect(read(ring, now + 1)).toEqual([0, 0]);
      expect(read(ring, now - HISTORY_BUCKETS)).toEqual([0, 0]);
    }),
  );
});
