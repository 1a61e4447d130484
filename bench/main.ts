// `npm run bench`: what the gateway costs, beside what it is compared with. Every measure is taken of each contender
// in turns, round after round, so that what else the machine does falls on all of them; medians, and the spread.
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import {
  bareBun,
  direct,
  gateway,
  gatewayOf,
  liteLlm,
  nginx,
  portkey,
  type Contender,
} from './contenders.ts';
import { MEASURES, type Figures, type Measure, type Pace, type Running } from './measures.ts';
import { startUpstream } from './processes.ts';
import { report, type Measured } from './report.ts';

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    /** Only measures whose name holds one of these, parted by commas. */
    only: { type: 'string', default: '' },
    /** Only these contenders. */
    contenders: { type: 'string', default: '' },
    /** The root of another tree whose gateway is measured beside this one's. */
    against: { type: 'string' },
    /** Measures on a loaded machine as well; the table says so. */
    anyway: { type: 'boolean', default: false },
  },
});

/** Above this load at the start the figures would be those of whatever else runs. */
const MAX_LOAD = 0.7;

const rounds = Number(flags.rounds ?? (flags.quick ? 3 : 7));
const pace: Pace = flags.quick ? { seconds: 1, streams: 100 } : { seconds: 4, streams: 400 };

const load = loadavg()[0] ?? 0;
if (load > MAX_LOAD && !flags.anyway && !flags.quick) {
  process.stderr.write(
    `The load is ${load.toFixed(1)}, and figures above ${MAX_LOAD} say little. Wait, or add --anyway.\n`,
  );
  process.exit(1);
}

const names = flags.contenders.split(',').filter(Boolean);
const wanted = [
  gateway,
  ...(flags.against === undefined ? [] : [gatewayOf(flags.against)]),
  direct,
  nginx,
  bareBun,
  portkey,
  liteLlm,
].filter(({ name }) => names.length === 0 || names.includes(name));

const running: Running[] = [];
const upstream = await startUpstream();
try {
  for (const contender of wanted) {
    const started = await startOf(contender);
    if (started) running.push(started);
  }
  const only = flags.only.split(',').filter(Boolean);
  const measured: Measured[] = [];
  for (const measure of MEASURES) {
    if (only.length > 0 && !only.some((part) => measure.name.includes(part))) continue;
    process.stderr.write(`${measure.name}\n`);
    measured.push({ measure: measure.name, rounds: await roundsOf(measure) });
  }
  report(measured, {
    contenders: running.map(({ name }) => name),
    heading: `Bun ${Bun.version}, load ${load.toFixed(1)} at the start${load > MAX_LOAD ? ' (a loaded machine)' : ''}, ${rounds} rounds`,
  });
} finally {
  await Promise.all(running.map(({ process }) => process.stop()));
  await upstream.stop();
}

async function startOf(contender: Contender): Promise<Running | null> {
  const missing = contender.missing();
  if (missing !== null) {
    process.stderr.write(`without ${contender.name}: ${missing}\n`);
    return null;
  }
  return {
    name: contender.name,
    process: await contender.start(upstream.url),
    headers: contender.headers(upstream.url),
  };
}

async function roundsOf(measure: Measure): Promise<Map<string, Figures>[]> {
  const taking = running.filter(({ name }) => !measure.without?.includes(name));
  // What a first request has to set up is nobody's cost, and code is slow until it has run often.
  for (const one of taking) await measure.run(one, pace);
  const all: Map<string, Figures>[] = [];
  for (let round = 0; round < rounds; round++) {
    const figures = new Map<string, Figures>();
    for (const one of taking) figures.set(one.name, await measure.run(one, pace));
    all.push(figures);
  }
  return all;
}
