// When an upstream counts as up and as down, and when it is asked: over real sockets, with a port that comes and goes.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { models, startFakeEngine, type FakeEngine } from '../../test/harness/fake-engine.ts';
import { systemClock } from '../domain/clock.ts';
import { MIN_HOSTED_PROBE_MS } from '../domain/limits.ts';
import { watchHealth, type Health, type HealthOptions, type WatchedUpstreams } from './health.ts';
import { firstProbeIn, nextProbeIn } from './probe-pace.ts';

/** So rarely that only the test itself makes probes. */
const NEVER_MS = 1_000_000;

let engine: FakeEngine;
let health: Health;
let changes: (boolean | null)[];
let probes: [healthy: boolean | null, reachable: boolean][];

const good = () => ({ '/health': {}, '/v1/models': models({ id: 'm', max_model_len: 4096 }) });

type Options = Partial<HealthOptions & Omit<WatchedUpstreams, 'upstreams'>>;

function watch({ intervalMs = NEVER_MS, timeoutMs = 2_000, ...more }: Options = {}): Health {
  health = watchHealth({
    clock: systemClock,
    onChange: ({ healthy }) => changes.push(healthy),
    onProbe: ({ healthy }, reachable) => probes.push([healthy, reachable]),
    ...more,
  });
  health.watch({ upstreams: [it()], intervalMs, timeoutMs });
  return health;
}

const it = (name = 'it') => ({
  name,
  kind: 'vllm',
  baseUrl: `${engine.root}/v1`,
  headers: {},
});

async function probe(): Promise<unknown[]> {
  await health.probeAll();
  const known = health.of('it');
  return [known?.healthy, known?.problem];
}

beforeEach(() => {
  engine = startFakeEngine(good());
  changes = [];
  probes = [];
});
afterEach(async () => {
  health.close();
  await engine.stop();
});

test('nothing is known of an upstream before its first probe', () => {
  watch();
  expect(health.of('it')).toEqual({
    name: 'it',
    kind: 'vllm',
    healthy: null,
    latencyMs: null,
    problem: null,
    checkedAt: null,
    insight: null,
  });
  expect(health.of('another')).toBeUndefined();
  expect(health.contextOf('another', 'm')).toBeNull();
});

test('a probe tells health, latency, time and insight', async () => {
  watch();
  expect(await probe()).toEqual([true, null]);
  const known = health.of('it');
  expect(health.all()).toEqual(known ? [known] : []);
  expect(known?.latencyMs).toBeGreaterThan(0);
  expect(known?.checkedAt).toBeGreaterThan(1_600_000_000_000);
  expect(known?.insight?.loadedModels).toEqual(['m']);
  expect(health.contextOf('it', 'm')).toBe(4096);
});

test('a refused connection is believed at once, and so is its return', async () => {
  watch();
  await probe();
  await engine.stop();
  expect(await probe()).toEqual([false, 'connection refused']);
  expect(health.of('it')?.insight).toBeNull();
  engine.start();
  expect(await probe()).toEqual([true, null]);
  expect(changes).toEqual([true, false, true]);
  expect(probes).toEqual([
    [true, true],
    [false, false],
    [true, true],
  ]);
});

test('an upstream that is down keeps its context: a conversation’s window must not move', async () => {
  watch();
  await probe();
  await engine.stop();
  await probe();
  expect(health.contextOf('it', 'm')).toBe(4096);
});

test('a late answer is a blip, two in a row are an upstream that is down', async () => {
  watch({ timeoutMs: 60 });
  await probe();
  engine.pages['/v1/models'] = 'hang';
  expect(await probe()).toEqual([true, 'no answer in time']);
  expect(health.of('it')?.insight?.loadedModels).toEqual(['m']);
  expect(await probe()).toEqual([false, 'no answer in time']);
  engine.pages = good();
  expect(await probe()).toEqual([true, null]);
  expect(changes).toEqual([true, false, true]);
});

test('late answers with good ones in between never add up', async () => {
  watch({ timeoutMs: 60 });
  await probe();
  for (let round = 0; round < 3; round++) {
    engine.pages['/v1/models'] = 'hang';
    await probe();
    engine.pages = good();
    await probe();
  }
  expect(changes).toEqual([true]);
});

test('an upstream that is late at its very first probe counts as down', async () => {
  engine.pages['/v1/models'] = 'hang';
  watch({ timeoutMs: 60 });
  expect(await probe()).toEqual([false, 'no answer in time']);
});

test('a failure’s status and a refused key are believed at once, of an upstream that is reachable', async () => {
  watch();
  await probe();
  engine.pages['/v1/models'] = { status: 500 };
  expect(await probe()).toEqual([false, 'HTTP 500']);
  engine.pages['/v1/models'] = { status: 401 };
  expect(await probe()).toEqual([false, 'refused the key (HTTP 401)']);
  expect(probes.slice(1)).toEqual([
    [false, true],
    [false, true],
  ]);
});

test('an engine whose metrics hang is well all the same, only not known so well', async () => {
  engine.pages = { ...good(), '/metrics': 'hang' };
  watch({ timeoutMs: 60 });
  expect(await probe()).toEqual([true, null]);
  expect(health.of('it')?.insight?.runningRequests).toBeNull();
});

test('probes of one upstream never overlap: who asks for one meanwhile waits for the same', async () => {
  engine.pages['/v1/models'] = 'hang';
  watch({ timeoutMs: 60, intervalMs: 5 });
  await Promise.all([health.probeAll(), health.probeAll(), health.probeAll()]);
  expect(engine.count('/v1/models')).toBe(1);
  await health.probeAll();
  expect(engine.mostAtOnce()).toBe(1);
});

test('goes on by itself, until it is closed', async () => {
  const third = new Promise<void>((resolve) =>
    watch({ intervalMs: 1, onProbe: () => probes.push([null, true]) === 3 && resolve() }),
  );
  await third;
  health.close();
  const asked = engine.requests.length;
  await health.probeAll();
  expect(probes).toHaveLength(3);
  expect(engine.requests).toHaveLength(asked);
});

test('closing ends a probe that is under way, and nobody hears of it', async () => {
  engine.pages['/v1/models'] = 'hang';
  watch();
  const under = health.probeAll();
  health.close();
  await under;
  expect(probes).toEqual([]);
  expect(health.of('it')?.healthy).toBeNull();
});

test('other upstreams may be watched: what stays is not asked again, what goes is not asked any more', async () => {
  const pace = { intervalMs: NEVER_MS, timeoutMs: 2_000 };
  watch();
  await probe();
  const known = health.of('it');
  health.watch({ upstreams: [it(), it('new')], ...pace });
  expect(health.of('it')).toBe(known as never);
  expect(health.of('new')?.healthy).toBeNull();
  await health.probeNew();
  expect([health.of('it'), health.of('new')?.healthy]).toEqual([known, true]);
  health.watch({ upstreams: [{ ...it(), headers: { authorization: 'Bearer other' } }], ...pace });
  expect(health.all().map(({ name, healthy }) => [name, healthy])).toEqual([['it', null]]);
});

describe('the next probe', () => {
  const pace = { intervalMs: 10_000, hosted: false, healthy: true, suspected: false };

  test('comes after the interval, a tenth more or less', () => {
    expect([0, 0.5, 1].map((random) => nextProbeIn(pace, random))).toEqual([9_000, 10_000, 11_000]);
  });

  test('comes soon when the last answer was late', () => {
    expect(nextProbeIn({ ...pace, suspected: true }, 0.5)).toBe(1_000);
    expect(nextProbeIn({ ...pace, suspected: true, intervalMs: 200 }, 0.5)).toBe(200);
  });

  test('of a service elsewhere comes once a minute while it is well, else as of any', () => {
    expect(nextProbeIn({ ...pace, hosted: true }, 0.5)).toBe(MIN_HOSTED_PROBE_MS);
    expect(nextProbeIn({ ...pace, hosted: true, healthy: false }, 0.5)).toBe(10_000);
    expect(nextProbeIn({ ...pace, hosted: true, intervalMs: 90_000 }, 0.5)).toBe(90_000);
  });

  test('is spread over half the interval after the start, when all were probed at once', () => {
    expect([0, 0.5, 1].map((random) => firstProbeIn(10_000, random))).toEqual([
      5_000, 7_500, 10_000,
    ]);
  });
});
