// npm run test:chaos: five minutes of targets that break and come back under load. Prints what became of the requests.
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { runChaos, type ChaosResult } from './run-chaos.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '300' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    clients: { type: 'string', default: '32' },
  },
});
const [seconds, seed, clients] = [values.seconds, values.seed, values.clients].map((value) => {
  if (!/^\d{1,9}$/.test(value)) throw new Error(`${value} is no whole number`);
  return Number(value);
}) as [number, number, number];

const result = await runChaos({ seconds, seed, clients });
process.stdout.write(`${table(result)}\n${summary(result)}\n`);
for (const violation of result.violations.slice(0, 50))
  process.stdout.write(`VIOLATION ${violation}\n`);
process.exit(result.violations.length === 0 ? 0 : 1);

function table({ faults, attempts, latencies, turns, seen }: ChaosResult): string {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
  const megabytes = seen.memory.map((bytes) => Math.round(bytes / 1e6));
  const rows: readonly (readonly [string, string | number])[] = [
    ['seed', seed],
    ['load average', loadavg()[0]?.toFixed(1) ?? '?'],
    ...[...faults].toSorted(([a], [b]) => a.localeCompare(b)),
    ...[...attempts]
      .toSorted(([a], [b]) => a - b)
      .map(([count, requests]) => [`requests with ${count} attempts`, requests] as const),
    ['p50 / p99 / longest, ms', [0.5, 0.99, 1].map((q) => at(q)?.toFixed()).join(' / ')],
    ['turns of /c1', turns],
    ['circuits seen opening', counted(seen.opened)],
    ['circuits seen closing', counted(seen.closed)],
    ['open in /metrics', [...seen.openInMetrics].join(', ')],
    [
      'memory at a fifth / at most / at the end, MB',
      `${megabytes[Math.floor(megabytes.length / 5)]} / ${Math.max(...megabytes)} / ${megabytes.at(-1)}`,
    ],
  ];
  return rows.map(([name, value]) => `${name.padEnd(48)}${value}`).join('\n');
}

function counted(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ');
}

function summary({ outcomes, attempts, violations }: ChaosResult): string {
  const requests = [...attempts.values()].reduce((sum, count) => sum + count, 0);
  const asked = [...attempts].reduce((sum, [count, times]) => sum + count * times, 0);
  return [
    `requests ${requests}`,
    `answered ${outcomes.answered}`,
    `failed after the commit ${outcomes['failed after the commit']}`,
    `nobody could have answered ${outcomes['nobody could have answered']}`,
    `the machine was late ${outcomes['the machine was late']}`,
    `attempts per request ${(asked / requests).toFixed(2)}`,
    `violations ${violations.length}`,
  ].join(', ');
}
