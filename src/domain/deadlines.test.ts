import { expect, test } from 'bun:test';
import { createDeadlines, type DueTimes, type Timed } from './deadlines.ts';

/** Real ticks, and a clock that a test moves. */
function dueTimes(): { times: DueTimes; pass(ms: number): Promise<void> } {
  let now = 0;
  const times = createDeadlines({ elapsed: () => now });
  return {
    times,
    pass(ms) {
      now += ms;
      // Whoever is due last is told last: this one is watched after all others, and looked at first.
      return new Promise((resolve) => {
        times.watch({ dueAt: now, place: -1, onDue: () => setImmediate(resolve) });
      });
    },
  };
}

function timed(dueAt: number, onDue: (self: Timed) => void): Timed {
  const self: Timed = { dueAt, place: -1, onDue: () => onDue(self) };
  return self;
}

test('what is due is told once, what is not yet or was let go is not', async () => {
  const { times, pass } = dueTimes();
  const told: string[] = [];
  const entries = ['a', 'b', 'c', 'd'].map((name, at) => timed(at * 100, () => told.push(name)));
  for (const entry of entries) times.watch(entry);
  const [, b] = entries;
  if (b) times.unwatch(b);
  await pass(250);
  expect(told.toSorted()).toEqual(['a', 'c']);
  await pass(100);
  expect(told.toSorted()).toEqual(['a', 'c', 'd']);
});

test('what is moved is due at its new time, and who watches twice is told once', async () => {
  const { times, pass } = dueTimes();
  const told: string[] = [];
  const later = timed(100, () => told.push('later'));
  const twice = timed(100, () => told.push('twice'));
  for (const entry of [later, twice, twice]) times.watch(entry);
  later.dueAt = 300;
  await pass(150);
  expect(told).toEqual(['twice']);
  await pass(150);
  expect(told).toEqual(['twice', 'later']);
});

test('who is told may let others go, and be watched again', async () => {
  const { times, pass } = dueTimes();
  const told: string[] = [];
  const others = Array.from({ length: 5 }, (_, at) => timed(200, () => told.push(`other ${at}`)));
  const again = timed(100, (self) => {
    told.push('again');
    for (const other of others.slice(0, 4)) times.unwatch(other);
    self.dueAt = 400;
    if (told.length < 3) times.watch(self);
  });
  for (const entry of [...others.slice(0, 2), again, ...others.slice(2)]) times.watch(entry);
  await pass(100);
  await pass(100);
  await pass(200);
  expect(told).toEqual(['again', 'other 4', 'again']);
});
