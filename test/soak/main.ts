// npm run soak: half an hour of everything at once. Prints what happened, writes the figures to bench/results/ and a
// plot of them beside it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { plotOf } from './plot.ts';
import { runSoak, type SoakResult } from './run-soak.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    clients: { type: 'string', default: '24' },
    idle: { type: 'string', default: '1000' },
    plot: { type: 'string', default: 'bench/results/soak.svg' },
  },
});
const [minutes, seed, clients, idle] = [
  values.minutes,
  values.seed,
  values.clients,
  values.idle,
].map((value) => {
  if (!/^\d{1,9}(?:\.\d{1,3})?$/.test(value)) throw new Error(`${value} is no number`);
  return Number(value);
}) as [number, number, number, number];

process.stderr.write(`seed ${seed}\n`);
const load = loadavg()[0]?.toFixed(1);
const result = await runSoak({ seconds: minutes * 60, seed, clients, idle });
mkdirSync('bench/results', { recursive: true });
writeFileSync('bench/results/soak.json', JSON.stringify(result, null, 1));
writeFileSync(values.plot, plotOf(plotted(result)));
process.stdout.write(`${table(result)}\n`);
for (const fault of result.faults.slice(0, 50))
  process.stdout.write(`FAULT ${fault.slice(0, 1_500)}\n`);
process.exit(result.faults.length === 0 ? 0 : 1);

function plotted({ samples, events }: SoakResult) {
  const line = (name: string, of: (sample: SoakResult['samples'][number]) => number) => ({
    name,
    points: samples.map((sample) => [sample.at, of(sample)] as const),
  });
  return {
    title: `${minutes} minutes of everything at once`,
    marks: events.filter(({ name }) => /kill|SIGTERM/.test(name)),
    panels: [
      {
        title: 'Resident memory',
        unit: 'MB',
        lines: [line('gateway', ({ residentBytes }) => residentBytes / 2 ** 20)],
      },
      {
        title: 'Latency of /healthz',
        unit: 'ms',
        lines: [
          line('longest of three', ({ longestHealthMs }) => longestHealthMs),
          line('median of three', ({ healthMs }) => healthMs),
        ],
      },
      {
        title: 'Open',
        unit: 'count',
        lines: [
          line('sockets', ({ sockets }) => sockets),
          line('requests', ({ openRequests }) => openRequests),
          line('turns', ({ openTurns }) => openTurns),
        ],
      },
      {
        title: 'Requests',
        unit: 'per second',
        lines: [line('gateway', ({ requestsPerSecond }) => requestsPerSecond)],
      },
    ],
  };
}

function table({
  samples,
  atStart,
  wornIn,
  afterwards,
  counts,
  logLines,
  faults,
}: SoakResult): string {
  const megabytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MB`;
  const most = (of: (sample: SoakResult['samples'][number]) => number) =>
    Math.max(0, ...samples.map(of));
  const rows: readonly (readonly [string, string | number])[] = [
    ['seed', seed],
    ['load average at the start', load ?? '?'],
    ...Object.entries(counts).toSorted(([a], [b]) => a.localeCompare(b)),
    ['lines of the log that were read', logLines],
    [
      'resident at the start / after a short load / at most / afterwards',
      [
        atStart.residentBytes,
        wornIn.residentBytes,
        most((one) => one.residentBytes),
        afterwards.residentBytes,
      ]
        .map(megabytes)
        .join(' / '),
    ],
    [
      'descriptors at the start / at most / afterwards',
      `${atStart.descriptors} / ${most((one) => one.descriptors)} / ${afterwards.descriptors}`,
    ],
    [
      'connections left to clients / to upstreams',
      `${afterwards.clientConnections} / ${afterwards.upstreamConnections}`,
    ],
    ['requests a second, median', median(samples.map((one) => one.requestsPerSecond)).toFixed()],
    ['faults', faults.length],
  ];
  return rows.map(([name, value]) => `${name.padEnd(66)}${value}`).join('\n');
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
