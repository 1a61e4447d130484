// The processes of a benchmark, each on its own, so that its CPU time is its own: the upstream, and the gateway.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const TOKEN = 'bench-token';

export interface BenchProcess {
  readonly url: string;
  readonly pid: number;
  /** User and system CPU time so far, in microseconds. */
  cpuMicros(): number;
  /** Resident memory in bytes. */
  residentBytes(): number;
  stop(): Promise<void>;
}

/** A server that answers at once, from bytes made beforehand, so that it is not what is measured. */
export async function startUpstream(): Promise<BenchProcess> {
  const script = new URL('upstream.ts', import.meta.url).pathname;
  return await start([script], { env: {}, announces: /ready (\S+)/, stream: 'stdout' });
}

export interface GatewayOptions {
  /** Of its upstream. */
  readonly kind?: string;
  /** What the upstream calls the model. */
  readonly model?: string;
  /** The address of a second upstream, behind the alias `stalled`. */
  readonly stalledUrl?: string;
  /** A script that is run in the gateway's process first. */
  readonly preload?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The gateway as `serve` starts it, in front of `upstreamUrl`, without a rate limit that would stop the benchmark. */
export async function startGateway(
  upstreamUrl: string,
  { kind = 'openai', model = 'bench-model', stalledUrl, preload, env = {} }: GatewayOptions = {},
): Promise<BenchProcess> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  const config = join(directory, 'gateway.yaml');
  const [upstream, alias] =
    stalledUrl === undefined
      ? ['', '']
      : [
          `, stalled: { kind: openai, base_url: ${stalledUrl}/v1 }`,
          ', stalled: { targets: [{ upstream: stalled, model: stalled }] }',
        ];
  writeFileSync(
    config,
    `catalogue: replace
limits: { rate_per_second: 1000000, burst: 1000000 }
upstreams: { bench: { kind: ${kind}, base_url: ${upstreamUrl}/v1 }${upstream} }
models: { bench: { targets: [{ upstream: bench, model: ${JSON.stringify(model)} }] }${alias} }
`,
  );
  const main = new URL('../src/main.ts', import.meta.url).pathname;
  return await start([...(preload ? ['--preload', preload] : []), main, 'serve'], {
    env: {
      RUST_API_BEARER: TOKEN,
      GATEWAY_CONFIG: config,
      GATEWAY__SERVER__DATA_DIR: directory,
      PORT: '0',
      // Without it the process starts itself again, and would forget what was preloaded.
      BUN_CONFIG_MAX_HTTP_REQUESTS: '65336',
      ...env,
    },
    announces: /listening on (\S+)/,
    stream: 'stderr',
  });
}

interface StartOptions {
  readonly env: Record<string, string>;
  readonly announces: RegExp;
  readonly stream: 'stdout' | 'stderr';
}

async function start(
  args: string[],
  { env, announces, stream }: StartOptions,
): Promise<BenchProcess> {
  const child = Bun.spawn([process.execPath, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdout: stream === 'stdout' ? 'pipe' : 'ignore',
    stderr: stream === 'stderr' ? 'pipe' : 'ignore',
  });
  const url = await announced(stream === 'stdout' ? child.stdout : child.stderr, announces);
  return {
    url,
    pid: child.pid,
    cpuMicros: () => cpuMicros(child.pid),
    residentBytes: () => residentBytes(child.pid),
    async stop() {
      child.kill('SIGKILL');
      await child.exited;
    },
  };
}

async function announced(
  output: ReadableStream<Uint8Array> | undefined,
  pattern: RegExp,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of output ?? []) {
    text += decoder.decode(bytes, { stream: true });
    const found = pattern.exec(text)?.[1];
    if (found) return found;
  }
  throw new Error(`a process of the benchmark did not start: ${text}`);
}

/** From /proc, whose unit is 1/100 s: so measure over seconds, not over single requests. */
function cpuMicros(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function residentBytes(pid: number): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  return pages * 4096;
}
