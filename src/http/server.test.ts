// What the server knows of when it was last asked: with a clock that only the test moves.
import { expect, test } from 'bun:test';
import { createHttpServer } from './server.ts';
import { IncomingRequest } from './wire/incoming.ts';
import { ReplyHeaders } from './wire/reply.ts';
import { RequestBody } from './wire/request-body.ts';
import { parseHead } from './wire/request-head.ts';

test('what load balancers, collectors and dashboards ask by the clock does not count as being asked', async () => {
  let now = 1_000;
  const server = createHttpServer({
    app: () => ({
      answer: () => Promise.resolve({ status: 200, headers: new ReplyHeaders(), body: 'ok' }),
    }),
    clock: { now: () => now, elapsed: () => now },
    probe: { requestFinished: () => undefined },
    admission: { hold: () => undefined, release: () => undefined },
    isDraining: () => false,
  });
  const ask = async (target: string): Promise<number | null> => {
    now += 1_000;
    const head = parseHead(`GET ${target} HTTP/1.1\r\nhost: x`);
    const body = new RequestBody(head.framing, { goOn() {}, pause() {}, resume() {} });
    await server.answer(new IncomingRequest(head, body, () => undefined));
    return server.lastAskedAt();
  };
  for (const path of ['/healthz', '/readyz', '/metrics?x=1', '/dashboard/data?minutes=5'])
    expect(await ask(path)).toBeNull();
  expect(await ask('/v1/models')).toBe(now);
  const asked = now;
  expect(await ask('/healthz')).toBe(asked);
  expect(await ask('/c1/conversations')).toBe(now);
});
