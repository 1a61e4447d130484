// Slots of an upstream: never more than it may be given, served in order, given up cleanly.
import { expect, test } from 'bun:test';
import { systemClock } from '../domain/clock.ts';
import { createDeadlines } from '../domain/deadlines.ts';
import { createSlots, type SlotLimits } from './slots.ts';

const deadlines = createDeadlines(systemClock);
const slotsWith = (limits: Partial<SlotLimits>) =>
  createSlots({
    upstream: 'small',
    limits: { maxConcurrent: 2, maxQueued: 2, queueMs: 60_000, ...limits },
    deadlines,
  });
const never = new AbortController().signal;

test('no more are taken than there are, and one that is given back can be taken again', () => {
  const slots = slotsWith({});
  expect([slots.take(), slots.take(), slots.take()]).toEqual([true, true, false]);
  slots.free();
  expect(slots.take()).toBe(true);
  expect(slots.running()).toBe(2);
});

test('whoever waits is served in order, and nobody can push in', async () => {
  const slots = slotsWith({ maxConcurrent: 1 });
  const order: string[] = [];
  slots.take();
  const first = slots.wait(never).then(() => order.push('first'));
  const second = slots.wait(never).then(() => order.push('second'));
  slots.free();
  expect(slots.take()).toBe(false);
  await first;
  slots.free();
  await second;
  expect(order).toEqual(['first', 'second']);
  slots.free();
  expect([slots.running(), slots.waiting()]).toEqual([0, 0]);
});

test('a full queue refuses at once with too_many_streams and when to come back', async () => {
  const slots = slotsWith({ maxConcurrent: 1, maxQueued: 0 });
  slots.take();
  const refused = (async () => slots.wait(never))();
  expect(refused).rejects.toMatchObject({ code: 'too_many_streams', retryAfterMs: 1_000 });
});

test('a queue that does not move ends the wait, and whoever leaves makes room', async () => {
  const slots = slotsWith({ maxConcurrent: 1, queueMs: 1 });
  slots.take();
  expect(slots.wait(never)).rejects.toThrow('no slot became free within 1 ms');
  const leaving = new AbortController();
  const waiting = slots.wait(leaving.signal);
  leaving.abort(new Error('gone'));
  expect(waiting).rejects.toThrow('gone');
  await Promise.allSettled([waiting]);
  slots.free();
  expect([slots.running(), slots.take()]).toEqual([0, true]);
});

test('other limits take hold of those who wait, and take no slot from those who run', async () => {
  const slots = slotsWith({ maxConcurrent: 1 });
  slots.take();
  const first = slots.wait(never);
  const second = slots.wait(never);
  slots.limit({ maxConcurrent: 3, maxQueued: 2, queueMs: 60_000 });
  await Promise.all([first, second]);
  expect([slots.running(), slots.waiting(), slots.take()]).toEqual([3, 0, false]);
  slots.limit({ maxConcurrent: 1, maxQueued: 2, queueMs: 60_000 });
  const third = slots.wait(never);
  slots.free();
  slots.free();
  // One runs still, and that is as many as may.
  expect([slots.running(), slots.waiting()]).toEqual([1, 1]);
  slots.free();
  await third;
  expect([slots.running(), slots.waiting()]).toEqual([1, 0]);
});
