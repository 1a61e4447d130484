// What the server knows of when it was last asked: with a clock that only the test moves.
import { expect, test } from 'bun:test';
import { createHttpServer } from './server.ts';

test('what load balancers, collectors and dashboards ask by the clock does not count as being asked', async () => {
  let now = 1_000;
  const server = createHttpServer({
    app: () => ({ fetch: () => new Response('ok') }),
    clock: { now: () => now, elapsed: () => now },
    probe: { requestFinished: () => undefined },
    admission: { hold: () => undefined, release: () => undefined },
    isDraining: () => false,
  });
  const ask = async (path: string): Promise<number | null> => {
    now += 1_000;
    await server.fetch(new Request(`http://127.0.0.1${path}`), {
      timeout: () => undefined,
      requestIP: () => null,
    });
    return server.lastAskedAt();
  };
  for (const path of ['/healthz', '/readyz', '/metrics?x=1', '/dashboard/data?minutes=5'])
    expect(await ask(path)).toBeNull();
  expect(await ask('/v1/models')).toBe(now);
  const asked = now;
  expect(await ask('/healthz')).toBe(asked);
  expect(await ask('/c1/conversations')).toBe(now);
});
