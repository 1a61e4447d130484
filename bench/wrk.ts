// Requests by wrk (Debian), which costs the machine little: so many connections for so long, one request after another.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface WrkLoad {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly concurrency: number;
  readonly seconds: number;
}

export interface WrkResult {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const folder = mkdtempSync(join(tmpdir(), 'bench-wrk-'));
const script = join(folder, 'post.lua');
writeFileSync(
  script,
  `wrk.method = "POST"
wrk.body = io.open(os.getenv("BENCH_BODY"), "rb"):read("*a")
for line in os.getenv("BENCH_HEADERS"):gmatch("[^\\n]+") do
  local name, value = line:match("^([^:]+): (.*)$")
  wrk.headers[name] = value
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format("BENCH %d %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
`,
);

export async function wrk({
  url,
  headers,
  body,
  concurrency,
  seconds,
}: WrkLoad): Promise<WrkResult> {
  const bodyFile = join(folder, 'body.json');
  writeFileSync(bodyFile, body);
  const lines = Object.entries({ 'content-type': 'application/json', ...headers });
  const child = Bun.spawn(
    ['wrk', '-t1', `-c${concurrency}`, `-d${seconds}s`, '--timeout', '60s', '-s', script, url],
    {
      env: {
        PATH: process.env['PATH'] ?? '',
        BENCH_BODY: bodyFile,
        BENCH_HEADERS: lines.map(([name, value]) => `${name}: ${value}`).join('\n'),
      },
      stdout: 'pipe',
      stderr: 'inherit',
    },
  );
  const output = await new Response(child.stdout).text();
  const [requests = 0, micros = 0, p50 = 0, p99 = 0, errors = 1] = (
    /BENCH (.*)/.exec(output)?.[1] ?? ''
  )
    .split(' ')
    .map(Number);
  if (errors > 0 || requests === 0) throw new Error(`wrk met errors at ${url}:\n${output}`);
  return { requests, seconds: micros / 1e6, p50Ms: p50 / 1e3, p99Ms: p99 / 1e3 };
}
