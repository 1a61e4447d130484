// `npm run bench`: what the gateway costs. The same load goes to the upstream directly and through the gateway, in
// turns, several times over; the figures are medians. CPU is that of the gateway's process alone.
import { loadavg } from 'node:os';
import { quantile, requests, streams, type StreamTiming, type Timing } from './load.ts';
import { startGateway, startUpstream, type BenchProcess } from './processes.ts';
import { row } from './table.ts';

const ROUNDS = 5;
const small =
  '{"model":"bench","messages":[{"role":"user","content":"In one word: capital of Italy?"}],"max_tokens":30}';
const large = JSON.stringify({
  model: 'bench',
  messages: [{ role: 'user', content: 'word "quoted" and\n'.repeat(5_500) }],
});

const JSON_CASES = [
  { name: 'small JSON, concurrency 1', total: 1_000, concurrency: 1, body: small },
  { name: 'small JSON, concurrency 64', total: 6_000, concurrency: 64, body: small },
  { name: '100 KB prompt, concurrency 8', total: 800, concurrency: 8, body: large },
];
const STREAM_CASES = [
  { name: '100 paced streams', count: 100, chunks: 100, paceMs: 20 },
  { name: '1,000 paced streams', count: 1_000, chunks: 40, paceMs: 100 },
];

const median = (values: readonly number[]) => quantile(values, 0.5);

async function measure(upstream: BenchProcess, gateway: BenchProcess): Promise<void> {
  console.log(
    `\nBun ${Bun.version}, load ${loadavg()[0]?.toFixed(1)}, ${ROUNDS} rounds, medians\n`,
  );
  row([
    'requests',
    'direct p50 ms',
    'gateway p50 ms',
    'added p50 ms',
    'gateway p99 ms',
    'requests/s',
    'CPU µs a request',
  ]);
  row(['---', '--:', '--:', '--:', '--:', '--:', '--:']);
  for (const { name, ...load } of JSON_CASES) {
    await requests(gateway.url, load);
    const rounds: { direct: Timing; through: Timing; cpu: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const direct = await requests(upstream.url, load);
      const before = gateway.cpuMicros();
      const through = await requests(gateway.url, load);
      rounds.push({ direct, through, cpu: (gateway.cpuMicros() - before) / load.total });
    }
    const directP50 = median(rounds.map(({ direct }) => quantile(direct.latencies, 0.5)));
    const throughP50 = median(rounds.map(({ through }) => quantile(through.latencies, 0.5)));
    const p99 = median(rounds.map(({ through }) => quantile(through.latencies, 0.99)));
    const rate = median(rounds.map(({ through }) => load.total / through.seconds));
    const cpu = median(rounds.map(({ cpu }) => cpu));
    row([
      name,
      directP50.toFixed(2),
      throughP50.toFixed(2),
      (throughP50 - directP50).toFixed(2),
      p99.toFixed(2),
      rate.toFixed(0),
      cpu.toFixed(0),
    ]);
  }

  console.log();
  row([
    'streams',
    'direct first byte p50 ms',
    'gateway first byte p50 / p99 ms',
    'CPU µs a chunk',
    'resident MB',
  ]);
  row(['---', '--:', '--:', '--:', '--:']);
  for (const { name, ...load } of STREAM_CASES) {
    const rounds: { direct: Timing; through: StreamTiming; cpu: number }[] = [];
    for (let round = 0; round < 3; round++) {
      const direct = await streams(upstream.url, load);
      const before = gateway.cpuMicros();
      const through = await streams(gateway.url, load);
      rounds.push({ direct, through, cpu: (gateway.cpuMicros() - before) / through.chunks });
    }
    const first = (q: number) =>
      median(rounds.map(({ through }) => quantile(through.latencies, q))).toFixed(1);
    row([
      name,
      median(rounds.map(({ direct }) => quantile(direct.latencies, 0.5))).toFixed(1),
      `${first(0.5)} / ${first(0.99)}`,
      median(rounds.map(({ cpu }) => cpu)).toFixed(1),
      (gateway.residentBytes() / 1e6).toFixed(0),
    ]);
  }
}

const upstream = await startUpstream();
const gateway = await startGateway(upstream.url);
try {
  await measure(upstream, gateway);
} finally {
  await gateway.stop();
  await upstream.stop();
}
