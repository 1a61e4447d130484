// Nothing crosses tokens or end users: to everybody else a conversation does not exist, and that is all they learn.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chat, conversation, errorOf, gif, said } from './harness/c1.ts';
import {
  configFor,
  replySse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, TOKEN, type TestGateway } from './harness/gateway.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
/** Another token over the same database. */
let foreign: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream((call) => replySse(call, streamOf(['ok'])));
  gateway = await startGateway(configFor(upstream));
  foreign = await startGateway(configFor(upstream), {
    directory: gateway.directory,
    bearer: 'somebody-else',
  });
});
afterAll(async () => {
  await foreign.close();
  await gateway.close();
  await upstream.close();
});

interface Who {
  readonly token: 'own' | 'foreign';
  readonly user: string | null;
}

const at = ({ token }: Who) => (token === 'own' ? gateway : foreign);
const queryOf = ({ user }: Who) => (user === null ? '' : `?user_id=${encodeURIComponent(user)}`);

const ANN: Who = { token: 'own', user: 'ann' };
const NOBODY: Who = { token: 'own', user: null };
const strangers: readonly [Who, Who][] = [
  [ANN, { token: 'own', user: 'bob' }],
  [ANN, { token: 'own', user: 'Ann' }],
  [ANN, { token: 'own', user: 'ann ' }],
  [ANN, { token: 'own', user: 'ann\u0000' }],
  [ANN, NOBODY],
  [ANN, { token: 'foreign', user: 'ann' }],
  [ANN, { token: 'foreign', user: null }],
  [NOBODY, ANN],
  [NOBODY, { token: 'own', user: 'null' }],
  [NOBODY, { token: 'foreign', user: null }],
];

describe.each(strangers)('what belongs to %j does not exist for %j:', (owner, stranger) => {
  let id = '';
  beforeAll(async () => {
    const body = { user_id: owner.user, message: 'my unspeakable secret', images: [gif(50)] };
    id = (await said(at(owner), body)).conversation_id;
  });

  test('reading, changing and deleting are 404, and the reply says nothing else', async () => {
    const url = `/c1/conversations/${id}${queryOf(stranger)}`;
    const unknown = `/c1/conversations/conv_${'0'.repeat(32)}${queryOf(stranger)}`;
    for (const init of [
      { method: 'GET' },
      { method: 'PATCH', body: { title: 'taken' } },
      { method: 'DELETE' },
    ]) {
      const response = await at(stranger).request(url, init);
      expect(response.status).toBe(404);
      const missing = await errorOf(await at(stranger).request(unknown, init));
      const { request_id: _, ...error } = (await errorOf(response)) as unknown as Record<
        string,
        unknown
      >;
      expect(missing).toMatchObject(error);
    }
    expect(await conversation(at(owner), id, queryOf(owner))).toMatchObject({
      title: 'my unspeakable secret',
      message_count: 2,
    });
  });

  test('a message to it is 404 and reaches nobody', async () => {
    const asked = upstream.calls.length;
    const body = { conversation_id: id, user_id: stranger.user, message: 'hi' };
    const response = await chat(at(stranger), body);
    expect(response.status).toBe(404);
    expect(response.headers.get('x-conversation-id')).toBeNull();
    expect(await errorOf(response)).toMatchObject({
      code: 'conversation_not_found',
      param: 'conversation_id',
    });
    expect(upstream.calls.length).toBe(asked);
  });

  test('neither a list nor a search shows it', async () => {
    const separator = stranger.user === null ? '?' : '&';
    for (const q of ['', `${separator}q=unspeakable`, `${separator}q=s`]) {
      const response = await at(stranger).request(`/c1/conversations${queryOf(stranger)}${q}`);
      const { items } = (await response.json()) as { items: { id: string }[] };
      expect(items.map((item) => item.id)).not.toContain(id);
    }
  });
});

test('the busy turn of a stranger looks like no conversation too', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>();
  upstream.script = async (call) => {
    onAsked();
    await promise;
    await replySse(call, streamOf(['late']));
  };
  const running = chat(gateway, { user_id: 'ann', message: 'slow' });
  await asked;
  const listed = await gateway.request('/c1/conversations?user_id=ann&limit=1');
  const { items } = (await listed.json()) as { items: { id: string }[] };
  const response = await chat(foreign, { conversation_id: items[0]?.id, message: 'hi' });
  expect(response.status).toBe(404);
  resolve();
  expect((await running).status).toBe(200);
});

test('no token is in the log or the database, and no message is in the log', async () => {
  const bytes = await Bun.file(`${gateway.directory}/gateway.db`).text();
  const wal = Bun.file(`${gateway.directory}/gateway.db-wal`);
  const all =
    bytes + ((await wal.exists()) ? await wal.text() : '') + gateway.logText() + foreign.logText();
  expect(all).not.toContain('somebody-else');
  expect(all).not.toContain(TOKEN);
  expect(gateway.logText()).not.toContain('unspeakable');
});
