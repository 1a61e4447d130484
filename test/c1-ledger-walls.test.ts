// Nothing crosses owners or users on any route, and a follower that never reads is nobody else's trouble.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { chat, conversation, errorOf, gif, holdCalls, readUntil, said } from './harness/c1.ts';
import {
  beginSse,
  chunk,
  configFor,
  replySse,
  sse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { spawnGateway, startGateway, TOKEN, type TestGateway } from './harness/gateway.ts';

let upstream: FakeUpstream;
let own: TestGateway;
let foreign: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  own = await startGateway(configFor(upstream));
  foreign = await startGateway(configFor(upstream), {
    directory: own.directory,
    bearer: 'somebody-else',
  });
});
afterAll(async () => {
  await foreign.close();
  await own.close();
  await upstream.close();
});

const strangers: readonly [string, () => TestGateway, string][] = [
  ['another user of the token', () => own, '?user_id=bob'],
  ['the token without a user', () => own, ''],
  ['another token with the same user', () => foreign, '?user_id=ann'],
];

test.each(strangers)(
  '%s finds neither turn, events, branches, export nor images',
  async (...who) => {
    const [, at, query] = who;
    upstream.script = (call) => replySse(call, streamOf(['ok']));
    const body = { message: 'secret', images: [gif(7)], user_id: 'ann' };
    const { conversation_id: id } = await said(own, body);
    const held = holdCalls(upstream);
    const pending = chat(own, { conversation_id: id, message: 'go', stream: true, user_id: 'ann' });
    const call = await held;
    await beginSse(call);
    await call.send(sse(chunk({ content: 'half' })));
    const running = await pending;
    const turn = running.headers.get('x-turn-id') ?? '';
    const stored = await conversation(own, id, '?user_id=ann');
    const node = stored.messages[0]?.id;
    for (const [method, path, sent] of [
      ['GET', `/c1/turns/${turn}`],
      ['GET', `/c1/turns/${turn}/events`],
      ['POST', `/c1/turns/${turn}/cancel`],
      ['GET', `/c1/conversations/${id}`],
      ['GET', `/c1/conversations/${id}/export`],
      ['POST', `/c1/conversations/${id}/fork`, {}],
      ['PATCH', `/c1/conversations/${id}`, { head: node }],
      ['DELETE', `/c1/conversations/${id}`],
    ] as [string, string, object?][]) {
      const unknown = path.replace(/(turn|conv)_[0-9a-f]+/, `$1_${'0'.repeat(32)}`);
      const ask = async (url: string) => {
        const response = await at().request(`${url}${query}`, { method, body: sent });
        return { status: response.status, error: { ...(await errorOf(response)), request_id: '' } };
      };
      const reply = await ask(path);
      expect(reply.status).toBe(404);
      expect(reply).toEqual(await ask(unknown));
    }
    await call.send(sse(chunk({}, 'stop')) + sse('[DONE]'));
    call.end();
    expect(await running.text()).toEndWith('data: [DONE]\n\n');

    upstream.script = (next) => replySse(next, streamOf(['ok']));
    const user_id = new URLSearchParams(query).get('user_id');
    const mine = await said(at(), { message: 'mine', user_id });
    const stolen = { conversation_id: mine.conversation_id, message: 'x', parent: node, user_id };
    expect((await chat(at(), stolen)).status).toBe(400);
    const fork = `/c1/conversations/${mine.conversation_id}/fork${query}`;
    expect((await at().request(fork, { body: { node } })).status).toBe(400);

    const exported = await own.request(`/c1/conversations/${id}/export?user_id=ann`);
    const lines = (await exported.text()).split('\n');
    const headers = { 'content-type': 'application/jsonl' };
    const url = `/c1/import${query}`;
    const taken = await at().request(url, { body: lines.join('\n'), headers });
    expect(taken.status).toBe(400);
    // Who knows an image's hash still has to bring the image.
    const withoutImage = lines.filter((line) => !line.startsWith('{"type":"blob"'));
    expect(withoutImage.length).toBe(lines.length - 1);
    const other = withoutImage.join('\n').replaceAll(id, id.replace(/.{4}$/, 'ffff'));
    const refused = await at().request(url, { body: other, headers });
    expect([refused.status, (await errorOf(refused)).message]).toEqual([
      400,
      expect.stringContaining('missing') as unknown as string,
    ]);
  },
);

test('followers that never read delay nobody, and are not buffered for', async () => {
  const [FRAMES, FOLLOWERS] = [160, 24];
  const gateway = await spawnGateway({ yaml: configFor(upstream) });
  const stalled: Socket[] = [];
  try {
    const held = holdCalls(upstream);
    const pending = chat(gateway, { message: 'much', stream: true });
    const call = await held;
    const content = 'x'.repeat(64 * 1024);
    await beginSse(call);
    await call.send(sse(chunk({ content: 'begin' })));
    const response = await pending;
    const turn = response.headers.get('x-turn-id') ?? '';
    const reader = response.body?.getReader();
    if (!reader) throw new Error('no body');
    await readUntil(reader, 'begin');
    const { hostname, port } = new URL(gateway.url);
    for (let number = 0; number < FOLLOWERS; number++) {
      const socket = connect({ host: hostname, port: Number(port) });
      socket.pause();
      stalled.push(socket);
      await new Promise((resolve) => socket.once('connect', resolve));
      socket.write(
        `GET /c1/turns/${turn}/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\n\r\n`,
      );
    }
    const before = residentMiB(gateway.process.pid);
    void (async () => {
      for (let frame = 0; frame < FRAMES; frame++) await call.send(sse(chunk({ content })));
      await call.send(sse(chunk({}, 'stop')) + sse('[DONE]'));
      call.end();
    })();
    await readUntil(reader, '[DONE]');
    // 24 times 10 MiB would be 240; the turn itself is held in memory a few times over.
    expect(residentMiB(gateway.process.pid) - before).toBeLessThan(200);
    expect((await gateway.request('/healthz')).status).toBe(200);
  } finally {
    for (const socket of stalled) socket.destroy();
    await gateway.kill();
    rmSync(gateway.directory, { recursive: true, force: true });
  }
}, 20_000);

function residentMiB(pid: number): number {
  const { stdout } = Bun.spawnSync(['ps', '-o', 'rss=', '-p', String(pid)]);
  return Number(stdout.toString()) / 1024;
}
