// The short form of npm run test:chaos: five seconds of targets that break and come back under load.
import { expect, test } from 'bun:test';
import { runChaos } from './chaos/run-chaos.ts';

test('a chain of three keeps answering while its targets break and come back, and never mixes two answers', async () => {
  const { violations, outcomes, seen } = await runChaos({ seconds: 5, seed: 4, clients: 16 });
  expect(violations).toEqual([]);
  expect(outcomes.answered).toBeGreaterThan(0);
  // The first of the chain is killed at the beginning, and answers at the end.
  expect(seen.opened.get('one')).toBeGreaterThan(0);
  expect(seen.closed.get('one')).toBeGreaterThan(0);
  expect(seen.openInMetrics.has('one')).toBe(true);
}, 60_000);
