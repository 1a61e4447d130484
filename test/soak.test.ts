// The short form of npm run soak: ten seconds of everything at once, a kill and a restart included.
import { expect, test } from 'bun:test';
import { plotOf } from './soak/plot.ts';
import { runSoak } from './soak/run-soak.ts';
import { judgeQuiet, judgeSamples } from './soak/verdict.ts';

test('under everything at once no byte is wrong, no turn is lost, and nothing is left open', async () => {
  const { faults, counts, samples } = await runSoak({
    seconds: 6,
    seed: 1,
    clients: 8,
    idle: 100,
  });
  expect(faults).toEqual([]);
  for (const alias of ['steady', 'chain', 'wild'])
    expect(counts[`answered on ${alias}`]).toBeGreaterThan(0);
  expect(counts['turns and crashes: completed']).toBeGreaterThan(0);
  expect(counts['turns and crashes: kills']).toBeGreaterThan(1);
  expect(samples.length).toBeGreaterThan(0);
}, 120_000);

const SAMPLE = {
  at: 0,
  pid: 1,
  residentBytes: 100e6,
  descriptors: 20,
  sockets: 10,
  healthMs: 1,
  longestHealthMs: 2,
  loopLagMs: 1,
  openRequests: 1,
  openTurns: 0,
  requestsPerSecond: 100,
};

test('the verdict finds memory that rises, lag that grows and what is left, and none of it where there is none', () => {
  const over = (change: (at: number) => Partial<typeof SAMPLE>) =>
    Array.from({ length: 200 }, (_, at) => ({ ...SAMPLE, at, ...change(at) }));
  expect(judgeSamples(over((at) => ({ residentBytes: 100e6 + (at % 7) * 5e6 })))).toEqual([]);
  expect(judgeSamples(over((at) => ({ residentBytes: 100e6 + at * 1e6 })))[0]).toContain('memory');
  expect(judgeSamples(over((at) => ({ healthMs: 1 + at })))[0]).toContain('lag');
  const quiet = {
    residentBytes: 100e6,
    descriptors: 17,
    sockets: 4,
    socketList: [],
    clientConnections: 0,
    upstreamConnections: 0,
    openRequests: 0,
    openTurns: 0,
  };
  const after = (afterwards: typeof quiet) =>
    judgeQuiet({ atStart: quiet, wornIn: quiet, afterwards }, 60);
  expect(after(quiet)).toEqual([]);
  expect(after({ ...quiet, sockets: 5 })[0]).toContain('sockets is 5');
  expect(after({ ...quiet, residentBytes: 200e6 })[0]).toContain('memory');
});

test('the plot is one SVG with a line for each figure and a mark for each kill', () => {
  const points = Array.from({ length: 1_000 }, (_, at) => [at, at % 50] as const);
  const svg = plotOf({
    title: 'a < b',
    panels: [{ title: 'Memory', unit: 'MB', lines: [{ name: 'one', points }] }],
    marks: [{ at: 500, name: 'kill -9' }],
  });
  expect(svg).toStartWith('<svg xmlns="http://www.w3.org/2000/svg"');
  expect(svg).toContain('a &lt; b');
  expect(svg).toContain('kill -9');
  // Thinned, and still as high as the points are.
  expect(svg.match(/<path d="M[\d. L]+" fill="none"/g)).toHaveLength(1);
  expect(svg.length).toBeLessThan(20_000);
});
