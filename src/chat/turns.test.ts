// The order of things in a turn, and what becomes of it when the store fails at each point. The store and the
// upstream are stand-ins; everything between them is real.
import { describe, expect, test } from 'bun:test';
import type { ConversationStore, FinishTurn } from '../conversations/store.ts';
import type { Deadlines } from '../domain/deadlines.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Stop } from '../domain/stop.ts';
import type { Probe } from '../observe/probe.ts';
import type { ChatEvent, Completion, Target } from '../providers/provider.ts';
import { TurnCancelled, TurnFailure, type LiveTurn } from './live-turn.ts';
import type { Frame } from './turn-follower.ts';
import { PLAIN_ALIAS, PLAIN_TURN } from './testing/plain-turn.ts';
import { createTurns, type TurnSetup } from './turns.ts';

const event = (content: string, finish_reason: string | null = null): ChatEvent => {
  const chunk: Completion = { choices: [{ index: 0, delta: { content }, finish_reason }] };
  return { kind: 'chunk', json: JSON.stringify(chunk), chunk };
};

type Broken = Partial<Record<'start' | 'append' | 'finish', number>>;

/** Turns over a store whose calls fail the given number of times first. */
function setUp({ broken = {}, words = ['a', 'b'] }: { broken?: Broken; words?: string[] } = {}) {
  const log: string[] = [];
  const finished: FinishTurn[] = [];
  const due: (() => void)[] = [];
  const failures = { ...broken };
  async function work(name: keyof Broken, done: () => void): Promise<void> {
    await Promise.resolve();
    if ((failures[name] ?? 0) > 0) {
      failures[name] = (failures[name] ?? 0) - 1;
      throw new GatewayError('storage_unavailable');
    }
    done();
  }
  const store = {
    accept: async () => ({ outcome: 'accepted' }),
    cancelRequests: async () => [],
    start: () => work('start', () => log.push('started')),
    append: (events: { seq: number }[]) =>
      work('append', () => log.push(...events.map(({ seq }) => `written ${seq}`))).then(() => true),
    async finish(finish: FinishTurn) {
      await work('finish', () => finished.push(finish));
      log.push(`finished ${finish.status}`);
      return finished.length === 1;
    },
  } as unknown as ConversationStore;
  async function* stream(signal: Stop): AsyncGenerator<readonly ChatEvent[], void> {
    for (const word of words) {
      signal.throwIfAborted();
      yield [event(word)];
    }
    signal.throwIfAborted();
    yield [event('', 'stop')];
  }
  const probe = {
    turnFinished: ({ status }: { status: string }) => log.push(`told ${status}`),
    backgroundFailed: (what: string) => log.push(`failed ${what.split(' ')[0]}`),
  } as unknown as Probe;
  const deadlines: Deadlines = {
    arm(_, onDue) {
      const disarm = () => void due.splice(due.indexOf(onDue), due.includes(onDue) ? 1 : 0);
      due.push(onDue);
      return { rearm: () => due.push(onDue), disarm };
    },
  };
  const clock = { now: () => 0, elapsed: () => 0 };
  const turns = createTurns({ store, probe, deadlines, clock });
  const setup: TurnSetup = {
    alias: PLAIN_ALIAS,
    router: {
      plan: (asked) => [asked.targets[0] as Target],
      contextOf: () => null,
      open: async ({ plan: [target] }, signal) => ({
        target,
        reply: { kind: 'stream', events: stream(signal) },
      }),
    },
    options: { affinityMs: 1_000, orphanMs: 1_000, titles: 'message', cacheSalt: 'user' },
  };
  async function begin(): Promise<LiveTurn> {
    const { turnId } = await turns.begin(PLAIN_TURN, setup, {
      onAttempt() {},
      onAnswer() {},
      onUsage() {},
    });
    const live = turns.find(turnId);
    if (!live) throw new Error('the turn is over already');
    return live;
  }
  return { turns, begin, log, finished, due };
}

/** What a follower gets: texts of the frames, and the code of the error at the end, if there is one. */
async function follow(live: LiveTurn, { from = 0, log }: { from?: number; log?: string[] } = {}) {
  const frames: Frame[] = [];
  try {
    for await (const batch of live.follow(from - 1, new AbortController().signal)) {
      frames.push(...batch);
      log?.push(...batch.map(({ seq }) => `shown ${seq}`));
    }
    log?.push('done');
  } catch (error) {
    return { frames, error: error instanceof TurnFailure ? error.error.code : error };
  }
  return { frames, error: null };
}

describe('a turn', () => {
  test('shows a frame once it is written, and is done once the answer is sealed', async () => {
    const { begin, log, turns } = setUp();
    const live = await begin();
    await follow(live, { log });
    await turns.whenIdle();
    const at = (entry: string) => log.indexOf(entry);
    for (const seq of [0, 1, 2]) expect(at(`shown ${seq}`)).toBeGreaterThan(at(`written ${seq}`));
    expect(at('finished completed')).toBeGreaterThan(at('written 2'));
    expect(at('done')).toBeGreaterThan(at('finished completed'));
    expect(log.filter((entry) => /finished|told/.test(entry))).toEqual([
      'finished completed',
      'told completed',
    ]);
  });

  test('has any number of followers, from anywhere, also after its end', async () => {
    const { begin, turns } = setUp();
    const live = await begin();
    const [all, tail] = await Promise.all([follow(live), follow(live, { from: 2 })]);
    expect(all.frames.map(({ seq }) => seq)).toEqual([0, 1, 2]);
    expect(tail.frames).toEqual(all.frames.slice(2));
    await turns.whenIdle();
    expect(await follow(live)).toEqual(all);
    expect(await follow(live, { from: 3 })).toEqual({ frames: [], error: null });
  });

  test('that is cancelled keeps what was written, and cancelling twice or late changes nothing', async () => {
    const { begin, finished, turns } = setUp({ words: ['a', 'b', 'c'] });
    const live = await begin();
    for await (const _ of live.follow(-1, new AbortController().signal)) break;
    live.cancel(new TurnCancelled('once'));
    live.cancel(new TurnCancelled('twice'));
    expect((await follow(live)).error).toBe('turn_cancelled');
    await turns.whenIdle();
    live.cancel(new TurnCancelled('late'));
    expect(finished.map(({ status }) => status)).toEqual(['cancelled']);
    expect(JSON.parse(finished[0]?.output?.wire ?? '{}')).toMatchObject({ role: 'assistant' });
  });

  test('that is cancelled before the first token seals nothing', async () => {
    const { begin, finished, turns } = setUp();
    const live = await begin();
    live.cancel(new TurnCancelled('at once'));
    await turns.whenIdle();
    expect(finished).toMatchObject([{ status: 'cancelled', errorCode: null }]);
    expect(finished[0]).not.toHaveProperty('output');
  });
});

describe('a store that fails', () => {
  test('at the start or in mid-answer fails the turn, and shows nothing that was not written', async () => {
    for (const broken of [{ start: 1 }, { append: 1 }]) {
      const { begin, finished, turns } = setUp({ broken });
      const live = await begin();
      expect(await follow(live)).toEqual({ frames: [], error: 'storage_unavailable' });
      await turns.whenIdle();
      expect(finished).toMatchObject([{ status: 'failed', errorCode: 'storage_unavailable' }]);
      expect(finished[0]).not.toHaveProperty('output');
    }
  });

  test('at the end fails the turn: an answer that is not sealed is never called done', async () => {
    const { begin, finished, turns } = setUp({ broken: { finish: 1 } });
    const live = await begin();
    const { frames, error } = await follow(live);
    expect([frames.length, error]).toEqual([3, 'storage_unavailable']);
    expect(await live.ended).toMatchObject({ kind: 'failed' });
    await turns.whenIdle();
    expect(finished.map(({ status }) => status)).toEqual(['failed']);
  });

  test('for longer is offered the end again until it takes it', async () => {
    const { begin, finished, turns, due, log } = setUp({ broken: { finish: 4 } });
    const live = await begin();
    expect((await follow(live)).error).toBe('storage_unavailable');
    await turns.whenIdle();
    expect(log).toContain('failed ending');
    for (let round = 0; finished.length === 0; round++) {
      expect(round).toBeLessThan(3);
      due.shift()?.();
      for (let tick = 0; tick < 10; tick++) await Promise.resolve();
    }
    expect(finished).toMatchObject([{ turnId: live.id, status: 'failed' }]);
    expect(due).toEqual([]);
  });
});

test('a drain ends the turns with its reason, and waits for all of them', async () => {
  const { begin, finished, turns } = setUp({ words: Array.from({ length: 1000 }, () => 'x') });
  const all = await Promise.all([begin(), begin()]);
  expect(turns.openTurns()).toBe(2);
  turns.cancelAll(new GatewayError('shutting_down'));
  await turns.whenIdle();
  expect(turns.openTurns()).toBe(0);
  expect(finished.map(({ errorCode }) => errorCode)).toEqual(['shutting_down', 'shutting_down']);
  for (const live of all) expect((await follow(live)).error).toBe('shutting_down');
});
