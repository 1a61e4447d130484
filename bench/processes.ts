// The processes of a benchmark, each on its own, so that its CPU time is its own: the upstream, the gateway, and what
// it is compared with.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childrenOf, readCpu, residentBytes, type CpuReading } from './cpu.ts';

export const TOKEN = 'bench-token';

export interface BenchProcess {
  readonly url: string;
  readonly pid: number;
  /** CPU time so far, of all threads. */
  cpu(): CpuReading;
  /** Resident memory in bytes. */
  residentBytes(): number;
  stop(): Promise<void>;
}

/** A server that answers at once, from bytes made beforehand, so that it is not what is measured. */
export async function startUpstream(): Promise<BenchProcess> {
  return await startScript('upstream.ts', []);
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
  /** The tree whose gateway it is; this one where absent. */
  readonly tree?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The gateway as `serve` starts it, in front of `upstreamUrl`, without a rate limit that would stop the benchmark. */
export async function startGateway(
  upstreamUrl: string,
  {
    kind = 'openai',
    model = 'bench-model',
    stalledUrl,
    preload,
    tree = new URL('..', import.meta.url).pathname,
    env = {},
  }: GatewayOptions = {},
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
models: { bench: { modalities: { input: [text, image] }, targets: [{ upstream: bench, model: ${JSON.stringify(model)} }] }${alias} }
`,
  );
  const main = join(tree, 'src/main.ts');
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

/** Another script of the benchmark's own, which says `ready URL` when it is. */
export async function startScript(name: string, args: readonly string[]): Promise<BenchProcess> {
  const script = new URL(name, import.meta.url).pathname;
  return await start([script, ...args], {
    env: { BUN_CONFIG_MAX_HTTP_REQUESTS: '65336' },
    announces: /ready (\S+)/,
    stream: 'stdout',
  });
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
  return watched(child, url, () => [child.pid]);
}

export interface Command {
  readonly command: readonly string[];
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether its children do the work. */
  readonly hasWorkers?: boolean;
}

/** A program that says nothing when it is ready: it is asked until it answers. */
export async function startCommand(options: Command): Promise<BenchProcess> {
  const { command, port, env = {}, hasWorkers = false } = options;
  const child = Bun.spawn([...command], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdout: 'ignore',
    stderr: 'ignore',
  });
  const url = `http://127.0.0.1:${port}`;
  await untilAnswers(url, child);
  return watched(child, url, () => (hasWorkers ? childrenOf(child.pid) : [child.pid]));
}

async function untilAnswers(url: string, child: Bun.Subprocess): Promise<void> {
  for (;;) {
    try {
      await (await fetch(url)).bytes();
      return;
    } catch (error) {
      if (child.exitCode !== null)
        throw new Error(`a process of the benchmark did not start: ${child.exitCode}`, {
          cause: error,
        });
      await Bun.sleep(2);
    }
  }
}

function watched(child: Bun.Subprocess, url: string, pids: () => number[]): BenchProcess {
  return {
    url,
    pid: child.pid,
    cpu: () => readCpu(pids()),
    residentBytes: () => residentBytes(pids()),
    async stop() {
      // nginx ends its workers, which SIGKILL would leave behind.
      child.kill(pids()[0] === child.pid ? 'SIGKILL' : 'SIGTERM');
      await child.exited;
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
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
