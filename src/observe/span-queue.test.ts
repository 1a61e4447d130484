// What waits for the collector is bounded, what is lost is counted, and a collector that fails is asked less and less.
import { expect, test } from 'bun:test';
import type { Deadlines } from '../domain/deadlines.ts';
import { MAX_QUEUED_SPANS, MAX_SPAN_BATCH } from '../domain/limits.ts';
import { createSpanQueue, type Sent } from './span-queue.ts';
import type { Span } from './span.ts';

const SPAN: Span = {
  trace: { traceId: 'a', spanId: 'b', parentId: null, sampled: true, state: null },
  kind: 'server',
  name: 'GET /',
  startedAt: 0,
  endedAt: 1,
  attributes: {},
  failed: false,
};
const ACCEPTED: Sent = { kind: 'accepted', rejected: 0 };
const DOWN: Sent = { kind: 'failed', problem: 'down', afterMs: null };

/** A queue whose deadlines a test lets come due, and whose collector answers as `answers` say, then accepts. */
function queueWith(answers: (Sent | Promise<Sent>)[]) {
  const armed = new Map<() => void, number>();
  const deadlines: Deadlines = {
    arm(ms, onDue) {
      armed.set(onDue, ms);
      return { rearm: (again) => armed.set(onDue, again), disarm: () => armed.delete(onDue) };
    },
  };
  const [batches, dropped, problems]: [number[], string[], (string | null)[]] = [[], [], []];
  let exported = 0;
  const queue = createSpanQueue({
    deadlines,
    async send(spans, signal) {
      batches.push(spans.length);
      const stopped = new Promise<Sent>((resolve) =>
        signal.addEventListener('abort', () => resolve(DOWN)),
      );
      return await Promise.race([answers.shift() ?? ACCEPTED, stopped]);
    },
    onExported: (count) => void (exported += count),
    onDropped: (count, reason) => void dropped.push(`${count} ${reason}`),
    onChange: (problem) => void problems.push(problem),
  });
  return {
    queue,
    batches,
    dropped,
    problems,
    exported: () => exported,
    add(count: number) {
      for (let i = 0; i < count; i++) queue.add(SPAN);
    },
    /** How long the next look is away; everything due is called. */
    async comeDue(): Promise<number[]> {
      const due = [...armed];
      armed.clear();
      for (const [onDue] of due) onDue();
      for (let i = 0; i < 200; i++) await Promise.resolve();
      return due.map(([, ms]) => ms);
    },
  };
}

test('spans gather before they are sent together', async () => {
  const at = queueWith([]);
  at.add(3);
  expect(at.batches).toEqual([]);
  await at.comeDue();
  expect(at.batches).toEqual([3]);
  expect(at.exported()).toBe(3);
  expect(at.problems).toEqual([]);
});

test('a full batch goes at once, and the rest when it has gathered', async () => {
  const at = queueWith([]);
  at.add(MAX_SPAN_BATCH + 5);
  await at.comeDue();
  await at.comeDue();
  expect(at.batches).toEqual([MAX_SPAN_BATCH, 5]);
});

test('what does not fit any more is dropped and counted, while a slow collector is waited for', async () => {
  const slow = Promise.withResolvers<Sent>();
  const at = queueWith([slow.promise]);
  at.add(MAX_QUEUED_SPANS + 7);
  expect(at.dropped).toEqual(Array.from({ length: 7 }, () => '1 queue_full'));
  expect(at.batches).toEqual([MAX_SPAN_BATCH]);
  slow.resolve(ACCEPTED);
  await at.comeDue();
  await at.comeDue();
  expect(at.exported()).toBe(MAX_QUEUED_SPANS);
});

test('a collector that is down is asked after longer and longer pauses, gets the same batch, and is told of once', async () => {
  const at = queueWith([DOWN, DOWN, DOWN, DOWN, DOWN, DOWN, DOWN]);
  at.add(2);
  const pauses: number[] = [];
  for (let i = 0; i < 8; i++) pauses.push(...(await at.comeDue()));
  expect(pauses.slice(1)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  expect(at.batches).toEqual([2, 2, 2, 2, 2, 2, 2, 2]);
  expect(at.problems).toEqual(['down', null]);
  expect(at.dropped).toEqual([]);
  expect(at.exported()).toBe(2);
});

test('a collector that says when to come back is asked then', async () => {
  const at = queueWith([{ kind: 'failed', problem: 'HTTP 429', afterMs: 7_000 }]);
  at.add(1);
  await at.comeDue();
  expect(await at.comeDue()).toEqual([7_000]);
});

test('a full batch does not wake a collector that is being spared', async () => {
  const at = queueWith([DOWN]);
  at.add(1);
  await at.comeDue();
  at.add(MAX_SPAN_BATCH * 2);
  expect(at.batches).toEqual([1]);
});

test('a batch that the collector refuses, or a part of it, is lost and counted', async () => {
  const at = queueWith([
    { kind: 'refused', problem: 'HTTP 400' },
    { kind: 'accepted', rejected: 1 },
  ]);
  at.add(2);
  await at.comeDue();
  at.add(3);
  await at.comeDue();
  expect(at.dropped).toEqual(['2 refused', '1 refused']);
  expect(at.exported()).toBe(2);
  expect(at.problems).toEqual(['HTTP 400', null]);
});

test('closing sends what is left', async () => {
  const at = queueWith([]);
  at.add(MAX_SPAN_BATCH * 2 + 1);
  await at.queue.close();
  expect(at.exported()).toBe(MAX_SPAN_BATCH * 2 + 1);
  at.add(1);
  expect(at.dropped).toEqual(['1 shutdown']);
});

test('closing waits for a collector that hangs as long as is allowed, and no longer', async () => {
  const at = queueWith([new Promise<Sent>(() => undefined)]);
  at.add(4);
  const closed = at.queue.close();
  await at.comeDue();
  await closed;
  expect(at.dropped).toEqual(['4 shutdown']);
});
