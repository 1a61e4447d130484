// What counts as a loop that cannot keep up: with a clock that only the test moves.
import { expect, test } from 'bun:test';
import { BLOCKED_LOOP_MS, LAG_PERIOD_MS, LAG_SAMPLES } from '../domain/limits.ts';
import { createLagMeter, watchLag } from './loop-lag.ts';

function meter() {
  let now = 5_000;
  const blocked: number[] = [];
  const lag = createLagMeter({
    clock: { elapsed: () => now },
    onBlocked: (ms) => blocked.push(ms),
  });
  const tick = (late: number): number => {
    now += LAG_PERIOD_MS + late;
    lag.tick();
    return lag.standing();
  };
  return { tick, blocked };
}

test('one long task is no standing lag, but it is told of', () => {
  const { tick, blocked } = meter();
  expect([tick(0), tick(3_000), tick(0), tick(BLOCKED_LOOP_MS), tick(0)]).toEqual([0, 0, 0, 0, 0]);
  expect(blocked).toEqual([3_000]);
});

test('a loop that is late each time has the least of it as its lag, until it is in time once', () => {
  const { tick } = meter();
  for (let n = 1; n < LAG_SAMPLES; n++) expect(tick(500 - n)).toBe(0);
  expect(tick(400)).toBe(400);
  expect(tick(900)).toBe(400);
  expect(tick(0)).toBe(0);
});

test('a tick that comes early is not late', () => {
  const { tick } = meter();
  for (let n = 0; n < 2 * LAG_SAMPLES; n++) expect(tick(-LAG_PERIOD_MS)).toBe(0);
});

test('a loop that is blocked is noticed by itself, and a closed watch notices nothing', async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const clock = { elapsed: () => performance.now() };
  const watch = watchLag({ clock, onBlocked: resolve });
  const closed = watchLag({ clock, onBlocked: () => resolve(-1) });
  closed.close();
  const until = performance.now() + BLOCKED_LOOP_MS + 2 * LAG_PERIOD_MS;
  while (performance.now() < until);
  expect(await promise).toBeGreaterThan(BLOCKED_LOOP_MS);
  watch.close();
});
