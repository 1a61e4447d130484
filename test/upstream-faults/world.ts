// A gateway whose upstream is scripted and behind a proxy that cuts connections: for some rows of the table of faults.
import { createServer, type AddressInfo } from 'node:net';
import { expect } from 'bun:test';
import { startCuttingProxy } from '../harness/cutting-proxy.ts';
import { startFakeUpstream, type FakeUpstream } from '../harness/fake-upstream.ts';
import { startGateway, type TestGateway } from '../harness/gateway.ts';
import { ask } from '../harness/v1.ts';
import { healthy, UPSTREAM_KEY, type FaultRow } from './row.ts';

export interface World {
  readonly gateway: TestGateway;
  readonly upstream: FakeUpstream;
  /** Makes a request while the row's fault lasts; before and after it the upstream is well. */
  during(row: FaultRow, request: () => Promise<Response>): Promise<Response>;
  /** The failed attempts that /metrics counts. */
  failedAttempts(): Promise<number>;
  /** What /v1/info says of an alias's target. */
  backend(alias: string): Promise<object | undefined>;
  /** Waits until the connections of all calls are closed, or, where they are kept alive, counts them. */
  expectNothingOpen(keptAlive: boolean): Promise<void>;
  close(): Promise<void>;
}

/** Idle connections that may stay: one of a request and one of the health probe. */
const IDLE_CONNECTIONS = 2;

/** `timeouts` are those of the upstream. */
export async function startWorld(timeouts = ''): Promise<World> {
  const upstream = await startFakeUpstream(healthy);
  const proxy = await startCuttingProxy(upstream.url);
  const plain = await startPlainText();
  const gateway = await startGateway(
    configOf({ fake: proxy.url, plain: plain.url, refused: await closedPort() }, timeouts),
  );

  return {
    gateway,
    upstream,
    async during(row, request) {
      if (row.script) upstream.script = row.script;
      if (row.toIdle) {
        await (await ask(gateway)).text();
        row.toIdle(proxy);
      }
      if (row.fault) proxy.fault = row.fault;
      const sent = row.afterwards && whenSent(upstream, row);
      const pending = request();
      if (row.afterwards) {
        await sent;
        // Comes after all that was sent before it, on the same way through the gateway.
        await (await ask(gateway)).text();
        row.afterwards(proxy);
      }
      const response = await pending;
      // A stream is read to its end before the fault is over.
      const text = await response.arrayBuffer();
      upstream.script = healthy;
      proxy.fault = null;
      return new Response(text, response);
    },
    async failedAttempts() {
      const text = await (await gateway.request('/metrics')).text();
      const counts = text.matchAll(/^gateway_failed_attempts_total\{.*\} (\d+)$/gm);
      return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
    },
    async backend(alias) {
      const info = (await (await gateway.request('/v1/info')).json()) as Info;
      return info.models.find((model) => model.alias === alias)?.backends[0];
    },
    async expectNothingOpen(keptAlive) {
      if (keptAlive) {
        expect(upstream.openConnections()).toBeLessThanOrEqual(IDLE_CONNECTIONS);
      } else {
        await Promise.all(upstream.calls.map(({ closed }) => closed));
        expect(upstream.openConnections()).toBeLessThan(IDLE_CONNECTIONS);
      }
    },
    async close() {
      await gateway.close();
      await Promise.all([proxy.close(), plain.close(), upstream.close()]);
    },
  };
}

interface Info {
  readonly models: readonly { readonly alias: string; readonly backends: readonly object[] }[];
}

/** Resolves when the next call has been sent what the script has for it; calls after it are answered well. */
function whenSent(upstream: FakeUpstream, { script = healthy }: FaultRow): Promise<void> {
  return new Promise((resolve) => {
    upstream.script = async (call) => {
      upstream.script = healthy;
      await script(call);
      resolve();
    };
  });
}

function configOf(urls: Record<'fake' | 'plain' | 'refused', string>, timeouts: string): string {
  // A label of a host's name has 63 characters at the most, so nobody has to be asked for this one.
  const nameless = `http://${'a'.repeat(64)}.invalid`;
  return `
catalogue: replace
upstreams:
  fake: { kind: openai, base_url: "${urls.fake}/v1", api_key: ${UPSTREAM_KEY}, timeouts: { ${timeouts} } }
  refused: { kind: openai, base_url: "${urls.refused}/v1" }
  nameless: { kind: openai, base_url: "${nameless}/v1" }
  plain: { kind: openai, base_url: "${urls.plain.replace('http:', 'https:')}/v1" }
models:
  test-model: { targets: [{ upstream: fake, model: fake-model }] }
  refused: { targets: [{ upstream: refused, model: m }] }
  nameless: { targets: [{ upstream: nameless, model: m }] }
  without-tls: { targets: [{ upstream: plain, model: m }] }
routing: { retry_wait_ms: 10 }
`;
}

/** A server that answers every greeting, a TLS one too, in plain text. */
async function startPlainText(): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Where nobody listens any more. */
async function closedPort(): Promise<string> {
  const server = await startPlainText();
  await server.close();
  return server.url;
}
