// Looking for engines on loopback, over real sockets: what counts as one, and what else may listen there.

import { afterEach, describe, expect, test } from 'bun:test';
import { discoverEngines } from './discover.ts';

const stops: (() => unknown)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** A server on a free port of loopback; returns the port. */
function listen(answer: (request: Request) => Response | Promise<Response>): number {
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, idleTimeout: 0, fetch: answer });
  stops.push(() => server.stop(true));
  return server.port ?? 0;
}

function engine(models: readonly object[]): number {
  return listen(({ url }) =>
    new URL(url).pathname === '/v1/models'
      ? Response.json({ object: 'list', data: models })
      : new Response(null, { status: 404 }),
  );
}

/** A port on which nobody listens. */
function closedPort(): number {
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() });
  const port = server.port ?? 0;
  void server.stop(true);
  return port;
}

describe('engines', () => {
  test('are found by their list of models, with their context windows where they say so', async () => {
    const vllm = engine([{ id: 'nvidia/Llama-4-Scout', owned_by: 'vllm', max_model_len: 4096 }]);
    const ollama = engine([{ id: 'llama3.2:3b', owned_by: 'library' }, { id: 'b' }]);
    const found = await discoverEngines({ ports: { vllm, ollama, lmstudio: closedPort() } });
    expect(found).toEqual([
      {
        kind: 'vllm',
        name: 'vllm',
        base_url: `http://127.0.0.1:${vllm}/v1`,
        models: ['nvidia/Llama-4-Scout'],
        context_windows: { 'nvidia/Llama-4-Scout': 4096 },
      },
      {
        kind: 'ollama',
        name: 'ollama',
        base_url: `http://127.0.0.1:${ollama}`,
        models: ['llama3.2:3b', 'b'],
        context_windows: {},
      },
    ]);
  });

  test('are called what they call themselves, whatever port they listen on', async () => {
    const port = engine([{ id: 'm', owned_by: 'llamacpp', meta: { n_ctx: 8192 } }]);
    const other = engine([{ id: 'm', owned_by: 'llamacpp' }]);
    const found = await discoverEngines({ ports: { vllm: port, 'llama.cpp': other } });
    expect(found.map(({ kind, name }) => [kind, name])).toEqual([
      ['llama.cpp', 'llama-cpp'],
      ['llama.cpp', `llama-cpp-${other}`],
    ]);
    expect(found[0]?.context_windows).toEqual({ m: 8192 });
  });

  test('that serve nothing yet are found all the same', async () => {
    const found = await discoverEngines({ ports: { ollama: engine([]) } });
    expect(found[0]?.models).toEqual([]);
  });
});

describe('other software on those ports', () => {
  const cases: [string, () => Response | Promise<Response>][] = [
    ['a web page', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
    ['a 404', () => new Response('no', { status: 404 })],
    ['a server that wants a token', () => Response.json({ data: [{ id: 'x' }] }, { status: 401 })],
    ['a redirect', () => Response.redirect('/elsewhere', 302)],
    ['JSON of another kind', () => Response.json({ data: [{ name: 'x' }] })],
    ['a bare list', () => Response.json([{ id: 'x' }])],
    ['null', () => Response.json(null)],
    ['data that is no list', () => Response.json({ data: { id: 'x' } })],
    ['an id that is no text', () => Response.json({ data: [{ id: 5 }] })],
    ['an empty reply', () => new Response()],
  ];

  for (const [what, answer] of cases) {
    test(`is no engine: ${what}`, async () => {
      expect(await discoverEngines({ ports: { vllm: listen(answer) } })).toEqual([]);
    });
  }

  test('costs no more than the timeout when it stays silent, trickles, or never ends', async () => {
    const silent = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: () => {} } });
    stops.push(() => silent.stop(true));
    const never = listen(() => new Promise<Response>(() => {}));
    const trickle = listen(
      () => new Response(new ReadableStream({ start: (c) => c.enqueue('[') })),
    );
    const startedAt = performance.now();
    const ports = { vllm: silent.port, ollama: never, sglang: trickle };
    expect(await discoverEngines({ ports, timeoutMs: 100 })).toEqual([]);
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });

  test('is let go when it sends more than any list of models is long', async () => {
    let sent = 0;
    const chunk = new Uint8Array(256 * 1024).fill(32);
    const body = () =>
      new ReadableStream({
        pull(controller) {
          sent += chunk.byteLength;
          controller.enqueue(chunk);
        },
      });
    const port = listen(() => new Response(body()));
    expect(await discoverEngines({ ports: { vllm: port }, timeoutMs: 20_000 })).toEqual([]);
    expect(sent).toBeGreaterThan(4 * 1024 * 1024);
  });

  test('that breaks the protocol is no engine either', async () => {
    const rude = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      socket: { data: (socket) => void socket.end('SSH-2.0-OpenSSH_9.9\r\n') },
    });
    stops.push(() => rude.stop(true));
    expect(await discoverEngines({ ports: { vllm: rude.port } })).toEqual([]);
  });
});
