// npm run test:crash: thousands of kill -9 under load. Prints what was accepted, what became of it, and what was lost.
import { parseArgs } from 'node:util';
import { killMany, type Killed } from './kill-many.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    lanes: { type: 'string', default: '3' },
    clients: { type: 'string', default: '4' },
  },
});
const [kills, seed, lanes, clients] = [values.kills, values.seed, values.lanes, values.clients].map(
  (value) => {
    if (!/^\d{1,9}$/.test(value)) throw new Error(`${value} is no whole number`);
    return Number(value);
  },
) as [number, number, number, number];

const startedAt = performance.now();
const show = (killed: number) => {
  if (killed % 50 === 0 && killed > 0)
    process.stderr.write(`${killed} kills, ${seconds().toFixed()} s\n`);
};
const killed = await killMany({ kills, seed, lanes, clients, onKill: show });
process.stdout.write(`${table(killed)}\n`);
for (const fault of killed.faults) process.stdout.write(`FAULT ${fault}\n`);
process.exit(killed.faults.length === 0 ? 0 : 1);

function seconds(): number {
  return (performance.now() - startedAt) / 1000;
}

function table({ counts, faults }: Killed): string {
  const rows: readonly (readonly [string, string | number])[] = [
    ['seed', seed],
    ['kills -9', counts.kills],
    ['  of them during start-up', counts.killsAtStart],
    ['  per second', (counts.kills / seconds()).toFixed(1)],
    ['turns accepted', counts.accepted],
    ['  completed', counts.completed],
    ['  cancelled', counts.cancelled],
    ['  failed by a crash', counts.failedByCrash],
    ['  failed by the upstream', counts.failedByUpstream],
    ['different frames seen', counts.framesSeen],
    ['frames compared with the store', counts.framesChecked],
    ['answers compared', counts.answersChecked],
    ['resumes', counts.resumes],
    ['repeated requests', counts.retries],
    ['conversations deleted', counts.deletes],
    ['integrity checks', counts.integrityChecks],
    ['refused as overloaded, sent again', counts.refusedAsOverloaded],
    ['lost, changed or done twice', faults.length],
  ];
  return rows.map(([name, value]) => `${name.padEnd(34)}${String(value).padStart(10)}`).join('\n');
}
