// `npm run bench:turns`: what remembering costs. The same streamed answer goes through /v1 and through /c1, in turns,
// with the history sent by the client on the one side and kept by the gateway on the other; timed to the first event.
// Then how late the gateway's event loop is while turns are written to disk, beside the same load without writing.
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { quantile } from './load.ts';
import { startGateway, startUpstream, TOKEN, type BenchProcess } from './processes.ts';
import { row } from './table.ts';

const HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` };
const ROUNDS = 4;
/** Chunks and the milliseconds between them: a stream that lasts, and one that hardly does. */
const PACED: StreamShape = [20, 20];
const SHORT: StreamShape = [2, 1];
const HISTORY_TURNS = 200;
const CONCURRENT = 50;
const QUESTION = 'What else is there to know about it? '.repeat(5);

const median = (values: readonly number[]) => quantile(values, 0.5);

type StreamShape = readonly [chunks: number, paceMs: number];

/** Makes the body of a worker's next request. */
type BodyFor = (worker: number) => object;

interface Side {
  readonly path: string;
  readonly bodyFor: BodyFor;
}

interface LoadShape {
  readonly concurrent: number;
  /** Answers that each worker asks for, one after the other. */
  readonly each: number;
  readonly stream: StreamShape;
}

/** One streamed answer, read to its end; resolves to the time to its first event, in milliseconds. */
async function answer(gateway: BenchProcess, path: string, body: object): Promise<number> {
  const from = performance.now();
  const response = await fetch(gateway.url + path, {
    method: 'POST',
    headers: HEADERS,
    body: JSON.stringify({ model: 'bench', stream: true, ...body }),
  });
  let first = Number.NaN;
  let tail = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body ?? []) {
    if (Number.isNaN(first)) first = performance.now() - from;
    tail = (tail + decoder.decode(bytes, { stream: true })).slice(-100);
  }
  if (!tail.endsWith('data: [DONE]\n\n')) throw new Error(`HTTP ${response.status}: ${tail}`);
  return first;
}

/** Workers that ask one after the other, begun at different moments: as people do, not all at once. */
async function load(
  gateway: BenchProcess,
  { path, bodyFor }: Side,
  { concurrent, each, stream }: LoadShape,
): Promise<number[]> {
  const [chunks, paceMs] = stream;
  const times = await Promise.all(
    Array.from({ length: concurrent }, async (_, worker) => {
      await Bun.sleep((chunks * paceMs * worker) / concurrent);
      const own: number[] = [];
      for (let nth = 0; nth < each; nth++) {
        own.push(await answer(gateway, path, { ...bodyFor(worker), bench_stream: stream }));
      }
      return own;
    }),
  );
  return times.flat();
}

/** A conversation of many turns, and a copy of it for each worker. */
async function conversations(gateway: BenchProcess): Promise<string[]> {
  let id: string | undefined;
  for (let turn = 0; turn < HISTORY_TURNS; turn++) {
    const body = { model: 'bench', message: QUESTION, ...(id ? { conversation_id: id } : {}) };
    const options = {
      method: 'POST',
      headers: HEADERS,
      body: JSON.stringify({ ...body, bench_stream: SHORT }),
    };
    const response = await fetch(`${gateway.url}/c1/chat`, options);
    id = ((await response.json()) as { conversation_id: string }).conversation_id;
  }
  const copies = Array.from({ length: CONCURRENT }, async () => {
    const options = { method: 'POST', headers: HEADERS, body: '{}' };
    const response = await fetch(`${gateway.url}/c1/conversations/${id}/fork`, options);
    return ((await response.json()) as { id: string }).id;
  });
  return await Promise.all(copies);
}

const question = { role: 'user', content: QUESTION };
const past = Array.from({ length: HISTORY_TURNS }, () => [
  question,
  { role: 'assistant', content: ' token token' },
]).flat();

const SIDES = (ids: readonly string[]) => ({
  short: {
    name: 'a first turn',
    v1: { path: '/v1/chat/completions', bodyFor: () => ({ messages: [question] }) },
    c1: { path: '/c1/chat', bodyFor: () => ({ message: QUESTION }) },
  },
  long: {
    name: `after ${HISTORY_TURNS} turns`,
    v1: { path: '/v1/chat/completions', bodyFor: () => ({ messages: [...past, question] }) },
    c1: {
      path: '/c1/chat',
      bodyFor: (worker: number) => ({ message: QUESTION, conversation_id: ids[worker] }),
    },
  },
});

async function measureFirstEvents(gateway: BenchProcess, ids: readonly string[]): Promise<void> {
  row([
    'first event',
    'at once',
    '/v1 p50 / p99 ms',
    '/c1 p50 / p99 ms',
    'added p50 ms',
    'added p99 ms',
  ]);
  row(['---', '--:', '--:', '--:', '--:', '--:']);
  for (const { name, v1, c1 } of Object.values(SIDES(ids))) {
    for (const shape of [
      { concurrent: 1, each: 60, stream: SHORT },
      { concurrent: CONCURRENT, each: 3, stream: PACED },
    ]) {
      // What a first request has to set up is nobody's latency.
      for (const side of [v1, c1]) await load(gateway, side, { ...shape, each: 1 });
      const rounds: { v1: number[]; c1: number[] }[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        rounds.push({ v1: await load(gateway, v1, shape), c1: await load(gateway, c1, shape) });
      }
      row([name, shape.concurrent, ...compared(rounds)]);
    }
  }
}

/** Medians of the rounds, and how far apart the rounds are. */
function compared(rounds: readonly { v1: number[]; c1: number[] }[]): string[] {
  const [p50, p99] = [0.5, 0.99].map((q) => {
    const of = (side: 'v1' | 'c1') =>
      median(rounds.map((round) => quantile(round[side], q))).toFixed(1);
    const added = rounds.map((round) => quantile(round.c1, q) - quantile(round.v1, q));
    const spread = `${Math.min(...added).toFixed(1)} to ${Math.max(...added).toFixed(1)}`;
    return { v1: of('v1'), c1: of('c1'), added: `${median(added).toFixed(1)} (${spread})` };
  });
  if (!p50 || !p99) return [];
  return [`${p50.v1} / ${p99.v1}`, `${p50.c1} / ${p99.c1}`, p50.added, p99.added];
}

const EDGES_MS = [0.5, 1, 2, 5, 10, 20, 50, Number.POSITIVE_INFINITY];

/** How late the loop was, by how many of the samples, while the same streams pass, remembered and not. */
async function measureLag(
  gateway: BenchProcess,
  file: string,
  sides: Readonly<Record<string, Side>>,
): Promise<void> {
  const shape = { concurrent: CONCURRENT, each: 8, stream: PACED };
  const seen: { name: string; lags: number[] }[] = [];
  for (const [name, side] of Object.entries(sides)) {
    await load(gateway, side, { ...shape, each: 1 });
    await lagsSince(gateway, file);
    await load(gateway, side, shape);
    seen.push({ name, lags: await lagsSince(gateway, file) });
  }
  row(['event loop late by'].concat(seen.map(({ name }) => `${name}, samples`)));
  row(['---'].concat(seen.map(() => '--:')));
  EDGES_MS.forEach((edge, at) => {
    const from = EDGES_MS[at - 1] ?? 0;
    const range = Number.isFinite(edge) ? `${from} to ${edge} ms` : `over ${from} ms`;
    row([range].concat(seen.map(({ lags }) => within(lags, from, edge))));
  });
  for (const [name, q] of Object.entries({ p50: 0.5, p99: 0.99, most: 1 })) {
    row([name].concat(seen.map(({ lags }) => `${quantile(lags, q).toFixed(2)} ms`)));
  }
}

function within(lags: readonly number[], from: number, to: number): string {
  const count = lags.filter((lag) => lag >= from && lag < to).length;
  return `${count} (${((100 * count) / lags.length).toFixed(2)} %)`;
}

/** What loop-lag.ts saw in the gateway's process since it was asked last. */
async function lagsSince({ pid }: BenchProcess, file: string): Promise<number[]> {
  rmSync(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  for (;;) {
    await Bun.sleep(20);
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as number[];
  }
}

/** What one sync costs on the disk that the conversations are on. */
function syncTimes(directory: string): number[] {
  const file = openSync(join(directory, 'sync'), 'w');
  const times = Array.from({ length: 200 }, () => {
    writeSync(file, 'x'.repeat(4096));
    const from = performance.now();
    fdatasyncSync(file);
    return performance.now() - from;
  });
  closeSync(file);
  return times;
}

const directory = mkdtempSync(join(tmpdir(), 'bench-turns-'));
const lagFile = join(directory, 'lags.json');
const upstream = await startUpstream();
const gateway = await startGateway(upstream.url, {
  preload: new URL('loop-lag.ts', import.meta.url).pathname,
  env: { LOOP_LAG_FILE: lagFile },
});
try {
  const syncs = syncTimes(directory);
  console.log(
    `\nBun ${Bun.version}, load ${loadavg()[0]?.toFixed(1)}, ${ROUNDS} rounds, medians and spread of the rounds; ` +
      `a sync takes ${median(syncs).toFixed(2)} ms, ${quantile(syncs, 0.99).toFixed(2)} at p99\n`,
  );
  const ids = await conversations(gateway);
  await measureFirstEvents(gateway, ids);
  console.log();
  const sides = SIDES(ids);
  await measureLag(gateway, lagFile, {
    '/v1': sides.short.v1,
    '/c1': sides.short.c1,
    [`/c1 after ${HISTORY_TURNS} turns`]: sides.long.c1,
  });
} finally {
  await gateway.stop();
  await upstream.stop();
  rmSync(directory, { recursive: true });
}
