// An engine's own endpoints on a real socket: a path has a status and a body, hangs, or is dropped. Unknown paths are
// 404. Keeps every request, and comes back on the same port after it was stopped.
import {
  watchEngine,
  type EngineWatch,
  type Sighting,
} from '../../src/providers/insight/watch-engine.ts';

export interface Page {
  readonly status?: number;
  readonly body?: string | object;
  readonly headers?: Record<string, string>;
}

/** `hang` never answers, `stall` sends a head and no more. */
export type Reply = Page | 'hang' | 'stall';

export interface SeenRequest {
  /** With the query. */
  readonly path: string;
  readonly headers: Headers;
}

export interface FakeEngine {
  /** Without /v1. */
  readonly root: string;
  /** What is answered from now on, by path with its query. */
  pages: Record<string, Reply>;
  readonly requests: SeenRequest[];
  /** Requests for this path so far. */
  count(path: string): number;
  /** The largest number of requests for one path that were open at once. */
  mostAtOnce(): number;
  stop(): Promise<void>;
  start(): void;
}

export function startFakeEngine(pages: Record<string, Reply> = {}): FakeEngine {
  const requests: SeenRequest[] = [];
  const open = new Map<string, number>();
  let most = 0;
  let server = serve(0);
  const port = server.port ?? 0;

  function serve(onPort: number) {
    return Bun.serve({
      hostname: '127.0.0.1',
      port: onPort,
      idleTimeout: 0,
      async fetch(request) {
        const { pathname, search } = new URL(request.url);
        const path = pathname + search;
        requests.push({ path, headers: request.headers });
        open.set(path, (open.get(path) ?? 0) + 1);
        most = Math.max(most, open.get(path) ?? 0);
        const reply = engine.pages[path] ?? { status: 404, body: 'Not Found' };
        if (reply === 'hang')
          await new Promise((done) => request.signal.addEventListener('abort', done));
        open.set(path, (open.get(path) ?? 1) - 1);
        if (reply === 'hang') return new Response();
        if (reply === 'stall')
          return new Response(
            new ReadableStream({ start: (to) => to.enqueue(new Uint8Array([123])) }),
          );
        const { status = 200, body = '', headers = {} } = reply;
        return new Response(typeof body === 'string' ? body : JSON.stringify(body), {
          status,
          headers,
        });
      },
    });
  }

  const engine: FakeEngine = {
    root: `http://127.0.0.1:${port}`,
    pages,
    requests,
    count: (path) => requests.filter((request) => request.path === path).length,
    mostAtOnce: () => most,
    stop: () => server.stop(true),
    start() {
      server = serve(port);
    },
  };
  return engine;
}

/** A page with OpenAI's list of these models. */
export function models(...data: object[]): Page {
  return { body: { object: 'list', data } };
}

export function watchFake(
  { root }: Pick<FakeEngine, 'root'>,
  kind: string,
  {
    path = '/v1',
    headers = {},
  }: { path?: string | undefined; headers?: Record<string, string> } = {},
): EngineWatch {
  return watchEngine({ name: 'it', kind, baseUrl: root + path, headers }, () => performance.now());
}

export function look(watch: EngineWatch, timeoutMs = 5_000): Promise<Sighting> {
  return watch.look(AbortSignal.timeout(timeoutMs));
}
