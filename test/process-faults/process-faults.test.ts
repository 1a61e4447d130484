// Faults of the process and of what it runs on: what its clients see of them, and that it is there afterwards. The ids
// are those of test/faults.test.ts, where the rest of the table is.
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from 'bun:test';
import { createReadStream, openSync, closeSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  beginSse,
  chunk,
  configFor,
  replySse,
  sse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
  type UpstreamCall,
} from '../harness/fake-upstream.ts';
import { spawnGateway, type GatewayProcess, type SpawnOptions } from '../harness/gateway.ts';
import { openRaw, type RawConnection } from '../harness/raw.ts';
import { ask } from '../harness/v1.ts';

/** Each test starts processes, which takes its time on a busy machine. */
setDefaultTimeout(30_000);

let upstream: FakeUpstream;
beforeAll(async () => {
  upstream = await startFakeUpstream();
});
afterAll(() => upstream.close());
beforeEach(() => {
  upstream.script = (call) => replySse(call, streamOf(['o', 'k']));
});

const started: GatewayProcess[] = [];
async function start(options: Partial<SpawnOptions> & { more?: string } = {}) {
  const { more = '', ...rest } = options;
  const gateway = await spawnGateway({ yaml: configFor(upstream, more), ...rest });
  started.push(gateway);
  return gateway;
}
afterEach(async () => {
  for (const gateway of started.splice(0)) {
    await gateway.kill();
    rmSync(gateway.directory, { recursive: true, force: true });
  }
});

const stream = (gateway: GatewayProcess) => ask(gateway, { stream: true });

async function metric(gateway: GatewayProcess, name: string): Promise<number> {
  const text = await (await gateway.request('/metrics')).text();
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1));
}

const isFor = (raw: RawConnection, text: string) => raw.until(new RegExp(text));

describe('P1: a rolling restart under load', () => {
  test('fails no request, of either API', async () => {
    upstream.script = async (call) => {
      await beginSse(call);
      for (const event of streamOf(['One', ' two', ' three'])) {
        await call.send(sse(event));
        await Bun.sleep(15);
      }
      call.end();
    };
    const first = await start();
    const second = await start({ directory: first.directory });
    /** As a load balancer has it: who is ready gets requests. */
    const ready = new Set([first, second]);
    const load = { stop: false, answered: 0, turn: 0 };
    const faults: string[] = [];
    const client = async (path: string, body: object): Promise<void> => {
      while (!load.stop) {
        const members = [...ready];
        const member = members[load.turn++ % members.length];
        if (!member) throw new Error('nobody is ready');
        try {
          const response = await member.request(path, { body: { model: 'test-model', ...body } });
          const text = await response.text();
          if (response.status === 503 && text.includes('shutting_down')) {
            // It has not been processed: another one takes it.
            ready.delete(member);
            continue;
          }
          if (response.status === 200 && text.endsWith('data: [DONE]\n\n')) load.answered++;
          else faults.push(text);
        } catch (error) {
          faults.push(String(error));
        }
      }
    };
    const messages = [{ role: 'user', content: 'hi' }];
    const clients = Array.from({ length: 6 }, () => [
      client('/v1/chat/completions', { messages, stream: true }),
      client('/c1/chat', { message: 'hi', stream: true }),
    ]).flat();
    const more = async (count: number) => {
      for (const enough = load.answered + count; load.answered < enough;) await Bun.sleep(5);
    };
    for (const old of [first, second]) {
      await more(20);
      old.process.kill('SIGTERM');
      expect(await old.process.exited).toBe(0);
      ready.delete(old);
      ready.add(await start({ directory: first.directory }));
    }
    await more(20);
    load.stop = true;
    await Promise.all(clients);
    expect(faults).toEqual([]);
  });
});

describe('P5: a process without a free file descriptor', () => {
  const LIMIT = 160;

  test('hangs up on idle clients, keeps some for upstreams, and serves on afterwards', async () => {
    const gateway = await start({
      command: (line) => ['prlimit', `--nofile=${LIMIT}:${LIMIT}`, ...line],
    });
    // Clients that have asked once and keep their connections.
    const idle: RawConnection[] = [];
    for (let n = 0; n < 2 * LIMIT; n++) {
      const raw = await openRaw(gateway.url);
      raw.send('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
      idle.push(raw);
    }
    await gateway.stdout.until(/file descriptors are scarce/);
    // Each of them was answered, or is in the backlog until there is room.
    await Promise.all(idle.map((raw) => isFor(raw, '"status":"ok"')));
    const answer = await eventually(() => stream(gateway));
    expect(await answer.text()).toContain('[DONE]');

    // Clients that say nothing at all take everything there is.
    const silent = await Promise.all(Array.from({ length: 2 * LIMIT }, () => openRaw(gateway.url)));
    for (const raw of [...idle, ...silent]) raw.destroy();
    const after = await eventually(() => stream(gateway));
    expect(await after.text()).toContain('[DONE]');
    expect(await metric(gateway, 'gateway_descriptor_shortages_total')).toBeGreaterThan(0);
    expect(gateway.process.exitCode).toBeNull();
  });
});

/** The first answer that is none of overload. */
async function eventually(request: () => Promise<Response>): Promise<Response> {
  for (;;) {
    const response = await request();
    if (response.status === 200) return response;
    expect(await response.text()).toContain('"code":"overloaded"');
    await Bun.sleep(50);
  }
}

describe('P6: an error that nobody catches', () => {
  const preload = new URL('stray-errors.ts', import.meta.url).pathname;
  const startWith = (stray: 'rejection' | 'exception') =>
    start({
      // The process would otherwise start itself again, without what was loaded before it.
      env: { STRAY: stray, BUN_CONFIG_MAX_HTTP_REQUESTS: '65336' },
      command: ([bun = '', ...rest]) => [bun, '--preload', preload, ...rest],
    });

  async function openStream(gateway: GatewayProcess) {
    const held = Promise.withResolvers<UpstreamCall>();
    upstream.script = async (call) => {
      await beginSse(call);
      await call.send(sse(chunk({ content: 'One' })));
      held.resolve(call);
    };
    const response = await stream(gateway);
    return { response, call: await held.promise };
  }
  async function finish(call: UpstreamCall): Promise<void> {
    await call.send(sse(chunk({ content: ' two' }, 'stop')) + sse('[DONE]'));
    call.end();
  }

  test('of a promise, is logged and counted, and everybody is served on', async () => {
    const gateway = await startWith('rejection');
    const { response, call } = await openStream(gateway);
    gateway.process.kill('SIGUSR2');
    await gateway.stdout.until(/"msg":"unhandled rejection"/);
    await finish(call);
    expect(await response.text()).toContain('[DONE]');
    expect(await metric(gateway, 'gateway_background_failures_total')).toBe(1);
    expect(await gateway.kill('SIGTERM')).toBe(0);
  });

  test('thrown anywhere, ends the process, but running answers first, and says so by its exit', async () => {
    const gateway = await startWith('exception');
    const { response, call } = await openStream(gateway);
    gateway.process.kill('SIGUSR2');
    await gateway.stdout.until(/"msg":"draining"/);
    expect((await stream(gateway)).status).toBe(503);
    await finish(call);
    const text = await response.text();
    expect(text).toContain('[DONE]');
    expect(text).not.toContain('stray');
    expect(await gateway.process.exited).toBe(1);
    expect(gateway.stdout.text()).toContain('a stray error');
  });
});

describe('P8: a log that nobody reads', () => {
  /** Its line in the log is as long. */
  const LONG_PATH = `/v1/${'x'.repeat(15_000)}`;

  test('harms no request: lines are dropped and counted, and come again when it is read', async () => {
    const directory = await fifo();
    const path = join(directory, 'log');
    // Held open in both directions, and read by nobody.
    const descriptor = openSync(path, 'r+');
    const gateway = await start({
      directory,
      command: (line) => ['sh', '-c', 'exec "$@" >> log', 'sh', ...line],
    });
    for (let round = 0; round < 80; round++) {
      const replies = await Promise.all(
        Array.from({ length: 10 }, () => gateway.request(LONG_PATH)),
      );
      for (const reply of replies) {
        expect(reply.status).toBe(404);
        await reply.text();
      }
    }
    expect(await (await stream(gateway)).text()).toContain('[DONE]');
    expect(await metric(gateway, 'gateway_dropped_log_lines_total')).toBeGreaterThan(100);

    const lines = createReadStream(path, { encoding: 'utf8' });
    let text = '';
    for await (const piece of lines) {
      text += piece;
      if (/"lines":\d+,"msg":"log lines were dropped"\}\n/.test(text)) break;
    }
    for (const line of text.split('\n').slice(0, -1)) JSON.parse(line);
    // Nobody reads the last words either.
    for (let n = 0; n < 20; n++) await (await gateway.request(LONG_PATH)).text();
    expect(await gateway.kill('SIGTERM')).toBe(0);
    closeSync(descriptor);
  });
});

async function fifo(): Promise<string> {
  const directory = (await Bun.$`mktemp -d`.text()).trim();
  await Bun.$`mkfifo ${join(directory, 'log')}`;
  return directory;
}
