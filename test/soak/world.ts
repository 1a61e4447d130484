// What the soak happens in: the upstreams, the gateway's configuration and directory, and the gateway as a process
// that is started, stopped and killed in it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Book } from '../crash/book.ts';
import { startEngine, type Engine } from '../crash/engine.ts';
import { Life } from '../crash/life.ts';
import { spawnGateway, type GatewayProcess } from '../harness/gateway.ts';
import { LogSink } from './log-sink.ts';
import { startSoakUpstream, type SoakUpstream } from './upstream.ts';

export interface World {
  readonly directory: string;
  readonly engine: Engine;
  readonly upstreams: Readonly<Record<'steady' | 'wild' | 'hopeless', SoakUpstream>>;
  readonly sink: LogSink;
  readonly book: Book;
  start(): Promise<{ gateway: GatewayProcess; life: Life }>;
  /** Writes the configuration anew, as an operator does before a reload. */
  configure(text: string): void;
  readonly yaml: string;
  close(): Promise<void>;
}

export async function createWorld(book: Book): Promise<World> {
  const onFault = (what: string) => book.fault(what);
  const engine = await startEngine();
  const upstreams = {
    steady: await startSoakUpstream({ manner: 'steady', onFault }),
    wild: await startSoakUpstream({ manner: 'wild', onFault }),
    hopeless: await startSoakUpstream({ manner: 'hopeless', onFault }),
  };
  const directory = mkdtempSync(join(tmpdir(), 'gateway-soak-'));
  const yaml = configFor(upstreams, engine);
  const sink = new LogSink();
  return {
    directory,
    engine,
    upstreams,
    sink,
    book,
    yaml,
    async start() {
      const gateway = await spawnGateway({ yaml, directory, readsLog: false });
      void sink.read(gateway);
      return { gateway, life: new Life(gateway, book) };
    },
    configure: (text) => writeFileSync(join(directory, 'gateway.yaml'), text),
    async close() {
      await Promise.all([engine, ...Object.values(upstreams)].map((one) => one.close()));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Whoever is healthy has all the time that a busy machine takes; whoever is not is given up soon. */
function configFor(upstreams: World['upstreams'], { url }: Pick<Engine, 'url'>): string {
  const impatient = 'timeouts: { connect_ms: 2000, first_byte_ms: 700, idle_ms: 700 }';
  return `
catalogue: replace
limits: { rate_per_second: 1000000, burst: 1000000, max_body_bytes: 2000000 }
streams: { heartbeat_ms: 200 }
turns: { orphan_ms: 2000 }
health: { probe_interval_ms: 1000, probe_timeout_ms: 1000 }
upstreams:
  engine: { kind: openai, base_url: "${url}" }
  steady: { kind: openai, base_url: "${upstreams.steady.url}" }
  wild: { kind: openai, base_url: "${upstreams.wild.url}", max_concurrent: 32, queue_ms: 2000, ${impatient} }
  hopeless: { kind: openai, base_url: "${upstreams.hopeless.url}", max_concurrent: 8, queue_ms: 500, ${impatient} }
models:
  steady: { modalities: { input: [text, image] }, targets: [{ upstream: steady, model: m }] }
  wild: { modalities: { input: [text, image] }, targets: [{ upstream: wild, model: m }] }
  chain: { modalities: { input: [text, image] }, targets: [{ upstream: wild, model: m2 }, { upstream: steady, model: m2 }] }
  test-model: { targets: [{ upstream: hopeless, model: m }, { upstream: engine, model: m }] }
`;
}
