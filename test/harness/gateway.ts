// A gateway for tests: inside the test process, wired and listening as `serve` does it, or as a process of its own
// where a test kills it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/load.ts';
import { createGateway, type Gateway } from '../../src/gateway.ts';
import { listen } from '../../src/http/listen.ts';
import { logTo } from '../../src/observe/log.ts';

export const TOKEN = 'test-token-3f9c';

export interface TestGateway {
  readonly url: string;
  readonly gateway: Gateway;
  /** Where its database is. */
  readonly directory: string;
  /** Everything that was logged, one JSON object a line. */
  logText(): string;
  /** Resolves when a line with all of these texts has been logged; also one that was logged before. */
  logged(...texts: string[]): Promise<void>;
  /** A request with the token; a body that is neither text nor bytes is sent as JSON. */
  request(path: string, init?: TestRequest): Promise<Response>;
  close(): Promise<void>;
}

export interface TestRequest {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

export interface StartOptions {
  /** One of its own where absent, which goes when the gateway closes; one that is given stays. */
  readonly directory?: string;
  /** The token that its clients send. */
  readonly bearer?: string;
}

/** Starts a gateway on a free loopback port with the configuration in `yaml`. */
export async function startGateway(
  yaml: string,
  { directory: given, bearer = TOKEN }: StartOptions = {},
): Promise<TestGateway> {
  const directory = given ?? mkdtempSync(join(tmpdir(), 'gateway-'));
  const path = join(directory, 'gateway.yaml');
  const { config } = loadConfig({
    argv: ['--config', path],
    env: { GATEWAY__SERVER__DATA_DIR: directory, ...(/^limits:/m.test(yaml) ? {} : UNLIMITED) },
    cwd: directory,
    readFile: (file) => (file === path ? yaml : ''),
  });
  const lines = createLines();
  const sink = { write: lines.add };
  const log = { logger: logTo(sink, 'debug'), dropped: () => 0, end: async () => undefined };
  const gateway = await createGateway({ config, bearer, demo: false, log });
  const listener = listen(gateway.answer, {
    host: '127.0.0.1',
    port: 0,
  });
  return {
    url: listener.url,
    gateway,
    directory,
    logText: lines.text,
    logged: lines.arrived,
    request: (path, init = {}) =>
      request(`${listener.url}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${bearer}`, ...init.headers },
      }),
    async close() {
      await listener.close();
      await gateway.close();
      if (given === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}

function createLines() {
  const lines: string[] = [];
  const waiting = new Set<{ texts: readonly string[]; resolve: () => void }>();
  const has = (line: string, texts: readonly string[]) =>
    texts.every((text) => line.includes(text));
  return {
    add(line: string) {
      lines.push(line);
      for (const waiter of waiting) {
        if (!has(line, waiter.texts)) continue;
        waiting.delete(waiter);
        waiter.resolve();
      }
    },
    text: () => lines.join(''),
    arrived: (...texts: string[]): Promise<void> =>
      lines.some((line) => has(line, texts))
        ? Promise.resolve()
        : new Promise((resolve) => waiting.add({ texts, resolve })),
  };
}

const UNLIMITED = { RATE_LIMIT_PER_SECOND: '100000', RATE_LIMIT_BURST: '100000' };

export interface GatewayProcess {
  readonly url: string;
  readonly process: Bun.Subprocess<'ignore', 'pipe', 'pipe'>;
  /** Where its database and token are; kept over a restart with the same directory. */
  readonly directory: string;
  /** Its banner and complaints, and its log, as far as they have come. */
  readonly stderr: Collected;
  readonly stdout: Collected;
  request(path: string, init?: TestRequest): Promise<Response>;
  /** Ends it with a signal and waits for that. */
  kill(signal?: NodeJS.Signals): Promise<number>;
}

export interface SpawnOptions {
  readonly yaml: string;
  /** A fresh one where absent; removing it is the caller's business. */
  readonly directory?: string;
  /** Over the usual environment; undefined takes a variable out of it. */
  readonly env?: Record<string, string | undefined>;
  /** Another command line, made of the usual one. */
  command?(line: readonly string[]): string[];
  /** false where the caller reads the process's stdout himself. */
  readonly readsLog?: boolean;
}

/** What a process has written so far. */
export interface Collected {
  text(): string;
  /** Resolves with the text once `pattern` is in it, or once there is no more to come. */
  until(pattern: RegExp): Promise<string>;
}

/** Starts `dgx-gateway serve` as its own process and waits until it listens. */
export async function spawnGateway({
  yaml,
  directory = mkdtempSync(join(tmpdir(), 'gateway-')),
  env = {},
  command,
  readsLog = true,
}: SpawnOptions): Promise<GatewayProcess> {
  const path = join(directory, 'gateway.yaml');
  writeFileSync(path, yaml);
  const variables = {
    GATEWAY_CONFIG: path,
    GATEWAY__SERVER__DATA_DIR: directory,
    RUST_API_BEARER: TOKEN,
    PORT: '0',
    ...(/^limits:/m.test(yaml) ? {} : UNLIMITED),
    ...env,
  };
  const usual = commandLine(['serve']);
  const child = spawnCommand(command?.(usual) ?? usual, directory, variables);
  const stderr = collect(child.stderr);
  const stdout = collect(readsLog ? child.stdout : new Blob().stream());
  const banner = await stderr.until(/listening on \S+\n/);
  const url = /listening on (\S+)\n/.exec(banner)?.[1];
  if (url === undefined) throw new Error(`the gateway did not start:\n${banner}`);
  return {
    url,
    process: child,
    directory,
    stderr,
    stdout,
    request: (to, init = {}) => request(`${url}${to}`, init),
    async kill(signal = 'SIGKILL') {
      child.kill(signal);
      return await child.exited;
    },
  };
}

/** Runs `dgx-gateway` with these arguments to its end. */
export async function runGateway(
  args: readonly string[],
  { cwd, env = {} }: { cwd: string; env?: Record<string, string> },
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawnCommand(commandLine(args), cwd, env);
  const [code, stdout, stderr] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code, stdout, stderr };
}

function commandLine(args: readonly string[]): string[] {
  const main = new URL('../../src/main.ts', import.meta.url).pathname;
  return [process.execPath, main, ...args];
}

function spawnCommand(
  line: readonly string[],
  cwd: string,
  env: Record<string, string | undefined>,
): Bun.Subprocess<'ignore', 'pipe', 'pipe'> {
  return Bun.spawn([...line], {
    cwd,
    env: { PATH: process.env['PATH'], ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
}

function collect(stream: ReadableStream<Uint8Array>): Collected {
  const decoder = new TextDecoder();
  let text = '';
  let ended = false;
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const look of waiting) look();
  };
  void (async () => {
    for await (const bytes of stream) {
      text += decoder.decode(bytes, { stream: true });
      wake();
    }
    ended = true;
    wake();
  })();
  return {
    text: () => text,
    until: (pattern) =>
      new Promise((resolve) => {
        const look = () => {
          if (!ended && !pattern.test(text)) return;
          waiting.delete(look);
          resolve(text);
        };
        waiting.add(look);
        look();
      }),
  };
}

async function request(
  url: string,
  { method, body, headers, signal }: TestRequest,
): Promise<Response> {
  return await fetch(url, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      authorization: `Bearer ${TOKEN}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: sentAs(body) }),
    ...(signal ? { signal } : {}),
  });
}

function sentAs(body: unknown): string | Buffer<ArrayBuffer> {
  if (body instanceof Uint8Array) return Buffer.from(body);
  return typeof body === 'string' ? body : JSON.stringify(body);
}
