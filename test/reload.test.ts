// SIGHUP: the configuration is read anew while requests run. None of them notices; those after it do.
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
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  beginSse,
  chunk,
  completion,
  replyJson,
  replySse,
  sse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
  type UpstreamCall,
} from './harness/fake-upstream.ts';
import { spawnGateway, type GatewayProcess } from './harness/gateway.ts';

/** Each test starts a process, which takes its time on a busy machine. */
setDefaultTimeout(20_000);

let first: FakeUpstream;
let second: FakeUpstream;
beforeAll(async () => {
  [first, second] = await Promise.all([startFakeUpstream(), startFakeUpstream()]);
});
afterAll(async () => {
  await Promise.all([first.close(), second.close()]);
});
beforeEach(() => {
  for (const one of [first, second]) one.script = (call) => replyJson(call, completion('ok'));
});
afterEach(async () => {
  await server?.kill();
  if (server) rmSync(server.directory, { recursive: true, force: true });
});

let server: GatewayProcess | undefined;
async function start(yaml: string): Promise<GatewayProcess> {
  server = await spawnGateway({ yaml });
  return server;
}

interface Written {
  /** By alias: whose model it is. */
  readonly models?: Record<string, FakeUpstream>;
  readonly upstream?: string;
  readonly more?: string;
}

function yamlFor({ models = { it: first }, upstream = '', more = '' }: Written = {}): string {
  const used = new Set(Object.values(models));
  const nameOf = (one: FakeUpstream) => (one === first ? 'first' : 'second');
  return `
catalogue: replace
upstreams:
${[...used].map((one) => `  ${nameOf(one)}: { kind: openai, base_url: "${one.url}"${upstream} }`).join('\n')}
models:
${Object.entries(models)
  .map(([alias, one]) => `  ${alias}: { targets: [{ upstream: ${nameOf(one)}, model: m }] }`)
  .join('\n')}
${more}
`;
}

/** Writes the file and waits until it has been read, for the `count`th time. */
async function reload(gateway: GatewayProcess, yaml: string, count = 1): Promise<void> {
  writeFileSync(join(gateway.directory, 'gateway.yaml'), yaml);
  gateway.process.kill('SIGHUP');
  await gateway.stdout.until(
    new RegExp(`(?:"msg":"configuration (?:not )?reloaded[^]*){${count}}`),
  );
}

const ask = (gateway: GatewayProcess, model = 'it', more: object = {}) =>
  gateway.request('/v1/chat/completions', {
    body: { model, messages: [{ role: 'user', content: 'hi' }], ...more },
  });

const metric = async (gateway: GatewayProcess, line: string) =>
  (await (await gateway.request('/metrics')).text())
    .split('\n')
    .find((candidate) => candidate.startsWith(`${line} `))
    ?.split(' ')
    .at(-1);

const linesOf = (gateway: GatewayProcess, text: string) =>
  gateway.stdout
    .text()
    .split('\n')
    .filter((line) => line.includes(text))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('a configuration that is read anew', () => {
  test('answers by other aliases, upstreams and limits, in the very process', async () => {
    const gateway = await start(yamlFor({ more: 'limits: { burst: 400 }' }));
    const ready = async () => (await gateway.request('/readyz')).json();
    const hash = async () =>
      ((await (await gateway.request('/v1/info')).json()) as { config_hash: string }).config_hash;
    const before = await hash();
    expect((await ask(gateway)).headers.get('x-gateway-upstream')).toBe('first');
    await reload(
      gateway,
      yamlFor({ models: { other: second }, more: 'limits: { max_body_bytes: 1024, burst: 500 }' }),
    );
    const answered = await ask(gateway, 'other');
    expect(answered.headers.get('x-gateway-upstream')).toBe('second');
    expect(answered.headers.get('x-ratelimit-limit-requests')).toBe('500');
    expect(await (await ask(gateway)).text()).toContain('model_not_in_allowlist');
    expect((await ask(gateway, 'other', { filler: 'x'.repeat(2000) })).status).toBe(413);
    expect(await ready()).toMatchObject({ upstreams: [{ name: 'second', healthy: true }] });
    expect(await hash()).not.toBe(before);
    expect(await metric(gateway, 'gateway_upstream_up{upstream="second"}')).toBe('1');
    expect(await metric(gateway, 'gateway_upstream_up{upstream="first"}')).toBeUndefined();
    expect(await metric(gateway, 'gateway_config_reloads_total{result="done"}')).toBe('1');
    const counted =
      'gateway_requests_total{route="/v1/chat/completions",method="POST",status="200"';
    expect(await metric(gateway, `${counted},alias="other",upstream="second"}`)).toBe('1');
    expect(await metric(gateway, `${counted},alias="it",upstream="first"}`)).toBe('1');
  });

  test('lets running answers end where they began, though nothing of that is configured any more', async () => {
    const gateway = await start(yamlFor());
    const calls: UpstreamCall[] = [];
    first.script = async (call) => {
      calls.push(call);
      await beginSse(call);
      await call.send(sse(chunk({ role: 'assistant', content: 'One' })));
    };
    const stream = await ask(gateway, 'it', { stream: true });
    const turn = await gateway.request('/c1/chat', {
      body: { model: 'it', message: 'hi', stream: true },
    });
    await reload(gateway, yamlFor({ models: { other: second } }));
    for (const call of calls) {
      await call.send(sse(chunk({ content: ' two' })) + sse(chunk({}, 'stop')) + sse('[DONE]'));
      call.end();
    }
    expect(calls).toHaveLength(2);
    for (const response of [stream, turn]) {
      const text = await response.text();
      expect(text).toContain(' two');
      expect(text).toContain('data: [DONE]\n\n');
    }
  });

  test('fails no request under load, of either API, however often it is read', async () => {
    const one = yamlFor({ models: { it: first } });
    const other = yamlFor({ models: { it: second }, more: 'routing: { retries: 2 }' });
    const gateway = await start(one);
    const answer = async (call: UpstreamCall) => {
      if (!call.body.includes('"stream":true')) return await replyJson(call, completion('ok'));
      await replySse(call, streamOf(['o', 'k']));
    };
    first.script = answer;
    second.script = answer;
    const faults: string[] = [];
    const load = { asked: 0, stop: false };
    const client = async (path: string, body: object): Promise<void> => {
      while (!load.stop) {
        const response = await gateway.request(path, { body: { model: 'it', ...body } });
        const text = await response.text();
        load.asked++;
        if (response.status !== 200 || text.includes('"error"')) faults.push(text);
      }
    };
    const messages = [{ role: 'user', content: 'hi' }];
    const clients = Array.from({ length: 4 }, () => [
      client('/v1/chat/completions', { messages }),
      client('/v1/chat/completions', { messages, stream: true }),
      client('/c1/chat', { message: 'hi', stream: true }),
    ]).flat();
    for (let round = 1; round <= 8; round++) {
      const enough = load.asked + 20;
      await reload(gateway, round % 2 === 1 ? other : one, round);
      while (load.asked < enough) await Bun.sleep(1);
    }
    load.stop = true;
    await Promise.all(clients);
    expect(faults).toEqual([]);
    expect(await metric(gateway, 'gateway_config_reloads_total{result="done"}')).toBe('8');
    expect(await metric(gateway, 'gateway_open_turns')).toBe('0');
    expect(first.calls.length * second.calls.length).toBeGreaterThan(0);
  });

  test('keeps count of what runs at an upstream, and of its circuits', async () => {
    const limited = (slots: number, more = '') =>
      yamlFor({ upstream: `, max_concurrent: ${slots}, max_queued: 0`, more });
    const gateway = await start(limited(1, 'routing: { retries: 0 }'));
    const held: UpstreamCall[] = [];
    first.script = (call) => void held.push(call);
    const running = ask(gateway);
    while (held.length < 1) await first.nextCall();
    await reload(gateway, limited(1, 'routing: { retries: 0, affinity_ms: 5 }'));
    expect((await ask(gateway)).status).toBe(429);
    await reload(gateway, limited(2), 2);
    const also = ask(gateway);
    while (held.length < 2) await Bun.sleep(1);
    for (const call of held) await replyJson(call, completion('ok'));
    expect([(await running).status, (await also).status]).toEqual([200, 200]);

    first.script = (call) => replyJson(call, '{}', { status: 401 });
    await ask(gateway);
    const circuits = 'gateway_open_circuits{upstream="first"}';
    expect(await metric(gateway, circuits)).toBe('1');
    await reload(gateway, limited(3), 3);
    expect(await metric(gateway, circuits)).toBe('1');
    await reload(gateway, yamlFor({ models: { other: second } }), 4);
    expect(await metric(gateway, circuits)).toBe('0');
  });

  test('says which changes wait for the next start', async () => {
    const gateway = await start(yamlFor());
    await reload(
      gateway,
      yamlFor({ more: 'server: { host: 0.0.0.0 }\nstorage: { durability: normal }' }),
    );
    const told = linesOf(gateway, 'takes effect at the next start');
    expect(told.map(({ setting }) => setting)).toEqual(['server.host', 'storage.durability']);
    expect((await ask(gateway)).status).toBe(200);
  });
});

describe('a configuration that is wrong', () => {
  test('changes nothing, and every problem in it is told', async () => {
    const gateway = await start(yamlFor());
    const secret = 'sk-canary-7d1f';
    await reload(
      gateway,
      `${yamlFor({ models: { it: second }, upstream: `, api_key: "${secret} x"` })}
health: { probe_interval_ms: soon }
server: { prot: 3000 }`,
    );
    const told = linesOf(gateway, '"configuration problem"');
    expect(told.map(({ setting }) => String(setting)).toSorted()).toEqual([
      'health.probe_interval_ms',
      'server.prot',
      'upstreams.second.api_key',
    ]);
    expect(gateway.stdout.text()).not.toContain(secret);
    expect((await ask(gateway)).headers.get('x-gateway-upstream')).toBe('first');
    expect(await metric(gateway, 'gateway_config_reloads_total{result="refused"}')).toBe('1');
    expect(await metric(gateway, 'gateway_config_reloads_total{result="done"}')).toBe('0');
    // And the next good one is taken.
    await reload(gateway, yamlFor({ models: { it: second } }), 2);
    expect((await ask(gateway)).headers.get('x-gateway-upstream')).toBe('second');
  });

  test('is one whose file is not there any more', async () => {
    const gateway = await start(yamlFor());
    rmSync(join(gateway.directory, 'gateway.yaml'));
    gateway.process.kill('SIGHUP');
    await gateway.stdout.until(/"msg":"configuration not reloaded/);
    expect((await ask(gateway)).status).toBe(200);
  });
});
