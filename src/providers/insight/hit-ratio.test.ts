// From counters to shares of hits.
import { expect, test } from 'bun:test';
import { trackHitRatio } from './hit-ratio.ts';

test('tells the share since the start, and the share since the last look', () => {
  const track = trackHitRatio();
  expect(track(50, 100)).toEqual({ overall: 0.5, recent: null });
  expect(track(140, 200)).toEqual({ overall: 0.7, recent: 0.9 });
});

test('without a lookup in between nothing recent is known', () => {
  const track = trackHitRatio();
  track(50, 100);
  expect(track(50, 100)).toEqual({ overall: 0.5, recent: null });
});

test('an engine without lookups, or without counters, has no share', () => {
  const track = trackHitRatio();
  expect(track(0, 0)).toEqual({ overall: null, recent: null });
  expect(track(null, 10)).toEqual({ overall: null, recent: null });
  expect(track(4, 10)).toEqual({ overall: 0.4, recent: 0.4 });
});

test('after a restart of the engine all of its counters are recent', () => {
  const track = trackHitRatio();
  track(900, 1000);
  expect(track(1, 10)).toEqual({ overall: 0.1, recent: 0.1 });
});
