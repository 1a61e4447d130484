// The soak: a gateway process under all that clients, upstreams and its machine do, first for long without a break,
// then with kills and restarts; and what has to hold at the end.
import { Book } from '../crash/book.ts';
import { checkIntegrity, checkTouched } from '../crash/checks.ts';
import { lookBack } from '../crash/lane.ts';
import { Life } from '../crash/life.ts';
import type { GatewayProcess } from '../harness/gateway.ts';
import { createRandom, type Random } from '../harness/random.ts';
import { gather, type CrowdOptions } from './crowd.ts';
import { factsOf, quieten, type Facts } from './quiet.ts';
import { MARK } from './plan.ts';
import { startSampler, type Sample, type Sampler } from './sampler.ts';
import { newQuestion } from './v1-clients.ts';
import { judgeSamples, judgeQuiet } from './verdict.ts';
import { createWorld, type World } from './world.ts';

export interface SoakOptions {
  readonly seconds: number;
  readonly seed: number;
  /** Of /v1; the others are in proportion. */
  readonly clients: number;
  /** Connections that are kept. */
  readonly idle: number;
}

export interface SoakResult {
  readonly options: SoakOptions;
  readonly samples: readonly Sample[];
  readonly events: readonly SoakEvent[];
  /** What the gateway held after its first requests, after a short first load, and after the long one. */
  readonly atStart: Facts;
  readonly wornIn: Facts;
  readonly afterwards: Facts;
  readonly counts: Readonly<Record<string, number>>;
  readonly logLines: number;
  readonly faults: readonly string[];
}

export interface SoakEvent {
  readonly at: number;
  readonly name: string;
}

/** The part of the time in which one process runs without a break: memory cannot be judged over restarts. */
const CALM = 0.55;
/** The part before that, after which the figures of an idle gateway are taken that it has to come back to. */
const WARM_UP = 0.1;
/** The part at the end, with kills and restarts. */
const ROUGH = 0.2;

/** How long memory may take to come back once all is quiet, after each load, as a part of the time. */
const REST = 0.075;

interface Run {
  readonly options: SoakOptions;
  readonly world: World;
  readonly book: Book;
  readonly random: Random;
  readonly sampler: Sampler;
  readonly events: SoakEvent[];
  readonly crowd: Pick<CrowdOptions, 'world' | 'clients' | 'idle' | 'newNumber' | 'count'>;
  note(name: string): void;
}

export async function runSoak(options: SoakOptions): Promise<SoakResult> {
  const { seed, clients, idle } = options;
  const startedAt = performance.now();
  const book = new Book(`seed ${seed}`);
  const world = await createWorld(book);
  const counts: Record<string, number> = {};
  const events: SoakEvent[] = [];
  let numbers = 0;
  const run: Run = {
    options,
    world,
    book,
    random: createRandom(seed),
    sampler: startSampler(),
    events,
    crowd: {
      world,
      clients,
      idle,
      newNumber: () => ++numbers,
      count: (what) => (counts[what] = (counts[what] ?? 0) + 1),
    },
    note: (name) => events.push({ at: (performance.now() - startedAt) / 1000, name }),
  };
  try {
    const { gateway } = await world.start();
    const facts = await runCalm(run, gateway);
    await runRough(run, gateway);
    await run.sampler.stop();
    for (const line of world.sink.complaints) book.fault(`the log says ${line}`);
    return {
      options,
      samples: run.sampler.samples,
      events,
      ...facts,
      counts: { ...counts, ...countsOf(book) },
      logLines: world.sink.lines,
      faults: book.faults,
    };
  } finally {
    await world.close();
  }
}

/**
 * One process for long: memory, descriptors and lag are judged by it. What memory has to come back to is what a first,
 * short load leaves: by then code is compiled, statements are prepared and pools are filled, all of which stays.
 */
async function runCalm(run: Run, gateway: GatewayProcess) {
  const { options, world, book, sampler } = run;
  const restMs = options.seconds * REST * 1000;
  const unused = await factsOf(gateway, world);
  await serveFirst(run, gateway);
  const atStart = await quieten(gateway, { world, atStart: unused, restMs: 0 });
  sampler.look(gateway);
  await load(run, gateway, options.seconds * WARM_UP);
  const wornIn = await quieten(gateway, { world, atStart, restMs });
  const before = sampler.samples.length;
  await load(run, gateway, options.seconds * CALM);
  const loaded = sampler.samples.slice(before);
  const afterwards = await quieten(gateway, { world, atStart, restMs });
  const left = judgeQuiet({ atStart, wornIn, afterwards }, loaded.length);
  for (const fault of [...judgeSamples(loaded), ...left]) book.fault(fault);
  return { atStart, wornIn, afterwards };
}

/** One request of each kind: idle is a gateway that has served, not one that was only started. */
async function serveFirst({ random, crowd }: Run, gateway: GatewayProcess): Promise<void> {
  const { newNumber } = crowd;
  const wanted = { shape: 'text', alias: 'steady', isShort: true } as const;
  const requests = [
    ...[false, true].map((stream) => ({
      path: '/v1/chat/completions',
      body: newQuestion({ random, newNumber }, { ...wanted, stream }).body,
    })),
    {
      path: '/c1/chat',
      body: { model: 'test-model', [MARK]: `c1-${newNumber()}`, message: 'hello', stream: true },
    },
  ];
  for (const { path, body } of requests) await (await gateway.request(path, { body })).text();
}

async function load(run: Run, gateway: GatewayProcess, seconds: number): Promise<void> {
  run.note('the load begins');
  const life = new Life(gateway, run.book);
  const crowd = gather({ ...run.crowd, life, gateway, random: run.random });
  await Bun.sleep(seconds * 1000);
  run.note('the load ends');
  await crowd.leave();
}

/** One life after another, each ended by a kill or by a signal to stop, on the same directory. */
async function runRough(run: Run, first: GatewayProcess): Promise<void> {
  const { options, world, book, sampler, random } = run;
  const until = performance.now() + options.seconds * ROUGH * 1000;
  sampler.look(null);
  await first.kill('SIGKILL');
  run.note('kill -9');
  book.counts.kills++;
  const longest = Math.max(1_000, options.seconds * 40);
  while (performance.now() < until) {
    const { gateway, life } = await world.start();
    const check = { life, engine: world.engine, directory: world.directory };
    await checkTouched(check);
    checkIntegrity(check);
    sampler.look(gateway);
    const crowd = gather({ ...run.crowd, life, gateway, random });
    await Bun.sleep(500 + random.below(longest));
    sampler.look(null);
    crowd.expectDeath();
    life.end();
    const signal = random.chance(0.5) ? 'SIGKILL' : 'SIGTERM';
    run.note(signal === 'SIGKILL' ? 'kill -9' : 'SIGTERM');
    const code = await gateway.kill(signal);
    if (signal === 'SIGTERM' && code !== 0)
      book.fault(`SIGTERM ended it with ${code}: ${gateway.stderr.text().slice(-500)}`);
    book.counts.kills++;
    await crowd.leave();
  }
  await lookBack(world);
}

function countsOf({ counts }: Book): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counts).map(([name, count]) => [`turns and crashes: ${name}`, Number(count)]),
  );
}
