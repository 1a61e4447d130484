// What is measured, each for every contender in turns: requests by wrk, streams by our own client.
import { cpuBetween } from './cpu.ts';
import type { BenchProcess } from './processes.ts';
import { readInTurn, readStreams } from './sse-client.ts';
import { wrk } from './wrk.ts';

/** A contender that runs. */
export interface Running {
  readonly name: string;
  readonly canStream: boolean;
  readonly process: BenchProcess;
  readonly headers: Readonly<Record<string, string>>;
}

/** What one round gave: figures by name. */
export type Figures = Readonly<Record<string, number>>;

export interface Measure {
  readonly name: string;
  readonly streams?: boolean;
  run(running: Running, pace: Pace): Promise<Figures>;
}

/** How much of everything: short while one works on the gateway, longer for figures to be published. */
export interface Pace {
  readonly seconds: number;
  readonly streams: number;
}

const PATH = '/v1/chat/completions';
const small =
  '{"model":"bench","messages":[{"role":"user","content":"In one word: capital of Italy?"}],"max_tokens":30}';
const prompt = (content: unknown) =>
  JSON.stringify({ model: 'bench', messages: [{ role: 'user', content }] });
// Something to escape in every line, as in code and prose.
const large = prompt('The gateway reads a "prompt" once, and says so.\n'.repeat(2_000));
const image = prompt([
  { type: 'text', text: 'What is this?' },
  { type: 'image_url', image_url: { url: pngOf(6 * 1024 * 1024) } },
]);

/** As long as a photograph, and only its first bytes are those of a PNG. */
function pngOf(bytes: number): string {
  const file = Buffer.alloc(bytes, 'a photograph ');
  file.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return `data:image/png;base64,${file.toString('base64')}`;
}

function requests(name: string, body: string, concurrency: number): Measure {
  return {
    name,
    async run({ process, headers }, { seconds }) {
      const load = { url: process.url + PATH, headers, body, concurrency };
      const before = process.cpu();
      // Large bodies take longer, and a round without a reply would say nothing.
      const result = await wrk({ ...load, seconds: body.length > 1e6 ? 4 * seconds : seconds });
      const cpu = cpuBetween(before, process.cpu());
      return {
        'CPU µs a request': cpu / result.requests,
        'p50 ms': result.p50Ms,
        'p99 ms': result.p99Ms,
        'requests/s': result.requests / result.seconds,
      };
    },
  };
}

const streamed = (chunks: number, paceMs: number) =>
  `{"model":"bench","stream":true,"messages":[{"role":"user","content":"hi"}],"user":"bench_stream=${chunks},${paceMs}"}`;

function streams(count: number, chunks: number, paceMs: number): Measure {
  return {
    name: `${count.toLocaleString('en')} streams of ${chunks} chunks, one in ${paceMs} ms`,
    streams: true,
    async run({ process, headers }) {
      const load = { url: process.url, path: PATH, headers, body: streamed(chunks, paceMs) };
      const before = process.cpu();
      const result = await readStreams(load, { count, chunks });
      const cpu = cpuBetween(before, process.cpu());
      return {
        'CPU µs a chunk': cpu / result.chunks,
        'first event p50 ms': result.firstP50Ms,
        'first event p99 ms': result.firstP99Ms,
        'between tokens p50 ms': result.gapP50Ms,
        'between tokens p99 ms': result.gapP99Ms,
        'resident MB after it': process.residentBytes() / 1e6,
      };
    },
  };
}

const firstEvents: Measure = {
  name: 'first event, one stream at a time',
  streams: true,
  async run({ process, headers }, pace) {
    const load = { url: process.url, path: PATH, headers, body: streamed(2, 1) };
    const { firstP50Ms, firstP99Ms } = await readInTurn(load, pace.streams);
    return { 'p50 ms': firstP50Ms, 'p99 ms': firstP99Ms };
  },
};

export const MEASURES: readonly Measure[] = [
  requests('small JSON, 1 at a time', small, 1),
  requests('small JSON, 64 at once', small, 64),
  requests('100 KB prompt, 8 at once', large, 8),
  requests('8 MB image prompt, 2 at once', image, 2),
  firstEvents,
  streams(100, 100, 20),
  streams(1_000, 100, 100),
];
