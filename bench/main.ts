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
import { firstEventsOfTurns, longConversation, type History } from './conversations.ts';
import { freshFigures } from './fresh.ts';
import { MEASURES, type Figures, type Pace, type Running } from './measures.ts';
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

/**
 * Rounds of each measure that are not counted. Code is compiled again and again until it has run often, by JavaScript
 * engines above all, and a server runs for days: a first round costs up to twice as much as a fourth.
 */
const WARM_UP = 3;

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

const only = flags.only.split(',').filter(Boolean);
const isWanted = (name: string) => only.length === 0 || only.some((part) => name.includes(part));

const upstream = await startUpstream();
const here = wanted.filter((contender) => {
  const missing = contender.missing();
  if (missing !== null) process.stderr.write(`without ${contender.name}: ${missing}\n`);
  return missing === null;
});
const measured: Measured[] = [];
try {
  await measureFresh();
  await measureRunning();
  report(measured, {
    contenders: here.map(({ name }) => name),
    heading: `Bun ${Bun.version}, load ${load.toFixed(1)} at the start${load > MAX_LOAD ? ' (a loaded machine)' : ''}, ${rounds} rounds`,
  });
} finally {
  await upstream.stop();
}

/** Of processes that are started for it, one after another. */
async function measureFresh(): Promise<void> {
  const name = 'fresh start';
  if (!isWanted(name)) return;
  const all = here.filter(({ name: of }) => of !== 'direct');
  const figures = await inRounds(Math.min(rounds, 3), all, (contender) =>
    freshFigures(contender, upstream.url),
  );
  measured.push({ measure: name, rounds: figures });
}

async function measureRunning(): Promise<void> {
  const running: Running[] = [];
  try {
    for (const contender of here) running.push(await startOf(contender));
    for (const measure of MEASURES.filter(({ name }) => isWanted(name))) {
      const taking = running.filter(({ canStream }) => canStream || !measure.streams);
      const figures = await inRounds(WARM_UP + rounds, taking, (one) => measure.run(one, pace));
      measured.push({ measure: measure.name, rounds: figures.slice(WARM_UP) });
    }
    await measureTurns(running.filter(({ name }) => name === 'gateway' || name === 'other tree'));
  } finally {
    await Promise.all(running.map(({ process }) => process.stop()));
  }
}

async function measureTurns(running: readonly Running[]): Promise<void> {
  const name = 'first event after 200 turns';
  if (!isWanted(name)) return;
  const histories = new Map<string, History>();
  for (const one of running) histories.set(one.name, await longConversation(one));
  const figures = await inRounds(WARM_UP + rounds, running, async (one) => {
    const history = histories.get(one.name);
    return history ? await firstEventsOfTurns(one, upstream.url, { history, pace }) : {};
  });
  measured.push({ measure: name, rounds: figures.slice(WARM_UP) });
}

async function inRounds<T extends { readonly name: string }>(
  count: number,
  all: readonly T[],
  measure: (one: T) => Promise<Figures>,
): Promise<Map<string, Figures>[]> {
  const figures: Map<string, Figures>[] = [];
  for (let round = 0; round < count; round++) {
    const seen = new Map<string, Figures>();
    for (const one of all) {
      try {
        seen.set(one.name, await measure(one));
      } catch (error) {
        // Whoever cannot do it has no figure, and the others have theirs.
        process.stderr.write(`${one.name}: ${String(error)}\n`);
      }
    }
    figures.push(seen);
  }
  return figures;
}

async function startOf(contender: Contender): Promise<Running> {
  return {
    name: contender.name,
    canStream: contender.canStream,
    process: await contender.start(upstream.url),
    headers: contender.headers(upstream.url),
  };
}
