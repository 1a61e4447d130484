// `npm run bench:stalled`: whether a stalled target slows requests to healthy ones. Requests to a healthy alias are
// timed alone, while many requests hang on the target of another alias, and alone again, round after round. Alone
// against alone is what the machine itself makes of the same load.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { loadavg } from 'node:os';
import { cpuBetween } from './cpu.ts';
import { quantile, requests } from './load.ts';
import { startGateway, startUpstream, TOKEN, type BenchProcess } from './processes.ts';
import { row } from './table.ts';

const ROUNDS = 9;
const HANGING = 500;
const LOADS = [
  { name: 'concurrency 1', total: 2_000, concurrency: 1 },
  { name: 'concurrency 16', total: 6_000, concurrency: 16 },
];
const body =
  '{"model":"bench","messages":[{"role":"user","content":"In one word: capital of Italy?"}],"max_tokens":30}';

const HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` };

/** Takes every connection and every byte, and says nothing. */
async function startStalled(): Promise<{ url: string; stop(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** How many requests the gateway has running at the stalled target. */
async function hangingAt(gateway: BenchProcess): Promise<number> {
  const response = await fetch(`${gateway.url}/v1/info`, { headers: HEADERS });
  const { models } = (await response.json()) as {
    models: { alias: string; backends: { running: number }[] }[];
  };
  return models.find(({ alias }) => alias === 'stalled')?.backends[0]?.running ?? 0;
}

async function untilHanging(gateway: BenchProcess, count: number): Promise<void> {
  while ((await hangingAt(gateway)) !== count) await Bun.sleep(20);
}

/** What `during` resolves to, which runs while requests hang. */
async function whileHanging<T>(gateway: BenchProcess, during: () => Promise<T>): Promise<T> {
  // Bare sockets: hanging fetches would cost the process that takes the times.
  const { hostname, port } = new URL(gateway.url);
  const question = body.replace('"bench"', '"stalled"');
  const head = [
    'POST /v1/chat/completions HTTP/1.1',
    `host: ${hostname}`,
    ...Object.entries(HEADERS).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${question.length}`,
  ];
  const hanging = Array.from({ length: HANGING }, () => {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => socket.destroy());
    socket.write(`${head.join('\r\n')}\r\n\r\n${question}`);
    return socket;
  });
  await untilHanging(gateway, HANGING);
  const result = await during();
  if ((await hangingAt(gateway)) !== HANGING) throw new Error('the stalled target has answered');
  for (const socket of hanging) socket.destroy();
  await untilHanging(gateway, 0);
  return result;
}

/** Of the healthy requests of one load; the CPU time is that of the gateway's process alone. */
type Figures = Record<'p50, ms' | 'p99, ms' | 'CPU, µs', number>;

async function measure(gateway: BenchProcess): Promise<void> {
  console.log(
    `\nBun ${Bun.version}, load ${loadavg()[0]?.toFixed(1)}, ${ROUNDS} rounds, ${HANGING} requests hanging, medians (lowest to highest)\n`,
  );
  row(['requests', 'of one', 'alone', 'stalled', 'stalled / alone', 'alone / alone']);
  row(['---', '--:', '--:', '--:', '--:', '--:']);
  for (const { name, total, concurrency } of LOADS) {
    const load = async (): Promise<Figures> => {
      const before = gateway.cpu();
      const { latencies } = await requests(gateway.url, { total, concurrency, body });
      return {
        'p50, ms': quantile(latencies, 0.5),
        'p99, ms': quantile(latencies, 0.99),
        'CPU, µs': cpuBetween(before, gateway.cpu()) / total,
      };
    };
    await load();
    const rounds: { before: Figures; stalled: Figures; after: Figures }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const before = await load();
      const stalled = await whileHanging(gateway, load);
      rounds.push({ before, stalled, after: await load() });
    }
    for (const figure of ['p50, ms', 'p99, ms', 'CPU, µs'] as const) {
      const alone = rounds.map(({ before, after }) => (before[figure] + after[figure]) / 2);
      const stalled = rounds.map((round) => round.stalled[figure]);
      row([
        name,
        figure,
        spread(alone),
        spread(stalled),
        spread(stalled.map((value, at) => value / (alone[at] ?? Number.NaN))),
        spread(rounds.map(({ before, after }) => after[figure] / before[figure])),
      ]);
    }
  }
}

function spread(values: readonly number[]): string {
  const [low, middle, high] = [0, 0.5, 1].map((q) => quantile(values, q).toFixed(2));
  return `${middle} (${low} to ${high})`;
}

const upstream = await startUpstream();
const stalled = await startStalled();
const gateway = await startGateway(upstream.url, { stalledUrl: stalled.url });
try {
  await measure(gateway);
} finally {
  await gateway.stop();
  await upstream.stop();
  stalled.stop();
}
