// Replicas: each key keeps its place, shares follow the weights, and no replica drowns.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { preferenceOf, type Replica } from './rendezvous.ts';

const idle = (id: string, weight = 1, load = 0): Replica => ({ id, weight, load });
const keys = Array.from({ length: 4_000 }, (_, index) => `conv_${index}`);
const bestFor = (replicas: readonly Replica[], key: string) => preferenceOf(replicas, key)[0]?.id;

test('a key has the same preference, in whatever order the replicas are listed', () => {
  const replicas = ['a', 'b', 'c', 'd'].map((id) => idle(id));
  fc.assert(
    fc.property(fc.string(), fc.shuffledSubarray(replicas, { minLength: 4 }), (key, shuffled) => {
      expect(preferenceOf(shuffled, key)).toEqual(preferenceOf(replicas, key));
    }),
  );
});

test('a replica that goes takes along none but its own keys', () => {
  const all = ['a', 'b', 'c', 'd'].map((id) => idle(id));
  const left = all.filter(({ id }) => id !== 'c');
  for (const key of keys) {
    const before = bestFor(all, key);
    if (before !== 'c') expect(bestFor(left, key)).toBe(before);
  }
});

test('shares follow the weights', () => {
  const replicas = [idle('a', 1), idle('b', 3)];
  const atB = keys.filter((key) => bestFor(replicas, key) === 'b').length;
  expect(atB / keys.length).toBeGreaterThan(0.72);
  expect(atB / keys.length).toBeLessThan(0.78);
});

test('a popular key spills over once its replica has more than its share of the load', () => {
  const load: Record<string, number> = { a: 0, b: 0, c: 0 };
  for (let n = 0; n < 300; n++) {
    const replicas = Object.entries(load).map(([id, running]) => idle(id, 1, running));
    const best = bestFor(replicas, 'the one key that everybody has') ?? '';
    load[best] = (load[best] ?? 0) + 1;
  }
  expect(Math.max(...Object.values(load))).toBeLessThanOrEqual(126);
});

test('nobody is left out: all replicas are somewhere in the preference', () => {
  const replicas = [idle('a', 2, 50), idle('b', 1, 0), idle('c', 5, 9)];
  const ids = preferenceOf(replicas, 'k').map(({ id }) => id);
  expect(ids.toSorted()).toEqual(['a', 'b', 'c']);
});
