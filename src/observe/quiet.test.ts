// When the gateway counts as left alone: with a clock that only the test moves.
import { expect, test } from 'bun:test';
import { QUIET_MS } from '../domain/limits.ts';
import { createQuietLook } from './quiet.ts';

function watched() {
  const state = { now: 5_000, askedAt: null as number | null, busy: false };
  let rests = 0;
  const look = createQuietLook({
    clock: { elapsed: () => state.now },
    lastAskedAt: () => state.askedAt,
    isBusy: () => state.busy,
    onQuiet: () => rests++,
  });
  return {
    state,
    ask: () => (state.askedAt = state.now),
    restsAfter(ms: number) {
      state.now += ms;
      look();
      return rests;
    },
  };
}

test('a gateway that was never asked has nothing to give back', () => {
  const { restsAfter } = watched();
  expect(restsAfter(10 * QUIET_MS)).toBe(0);
});

test('it rests once when nobody has asked for the time, and again only after another request', () => {
  const { ask, restsAfter } = watched();
  ask();
  expect([restsAfter(QUIET_MS - 1), restsAfter(1), restsAfter(1), restsAfter(QUIET_MS)]).toEqual([
    0, 1, 1, 1,
  ]);
  ask();
  expect([restsAfter(QUIET_MS - 1), restsAfter(1), restsAfter(QUIET_MS)]).toEqual([1, 2, 2]);
});

test('what is asked meanwhile begins the time anew', () => {
  const { ask, restsAfter } = watched();
  ask();
  for (let times = 0; times < 3; times++) {
    expect(restsAfter(QUIET_MS - 1)).toBe(0);
    ask();
  }
});

test('it does not rest while something is being served, and does so once that has ended', () => {
  const { state, ask, restsAfter } = watched();
  ask();
  state.busy = true;
  expect(restsAfter(2 * QUIET_MS)).toBe(0);
  state.busy = false;
  expect(restsAfter(0)).toBe(1);
});
