// Idempotency-Key: however often and whenever a request is repeated, it is one turn, one upstream call, and the same
// bytes for everybody.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chat, conversation, errorOf, framesOf, holdCalls, idsOf, said } from './harness/c1.ts';
import {
  beginSse,
  chunk,
  configFor,
  replyJson,
  replySse,
  sse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream));
});
beforeEach(() => {
  upstream.script = (call) => replySse(call, streamOf(['Hello', ', ', 'wörld']));
  upstream.calls.length = 0;
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const newKey = () => crypto.randomUUID();
const withKey = (key: string) => ({ headers: { 'idempotency-key': key } });

/** What of a reply must be the same for everybody who sends the request. */
async function seen(response: Response) {
  const { id, turn } = idsOf(response);
  const type = response.headers.get('content-type');
  const retryAfter = ['retry-after', 'retry-after-ms', 'x-should-retry'].map((name) =>
    response.headers.get(name),
  );
  return { status: response.status, id, turn, type, retryAfter, body: await response.text() };
}

const isReplay = ({ headers }: Response) => headers.get('idempotent-replayed') === 'true';

describe.each([true, false])('a repeated request with stream: %p', (stream) => {
  const body = { message: 'say hello', stream };

  test('is answered after the end with the same bytes, and nobody is asked again', async () => {
    const key = newKey();
    const first = await chat(gateway, body, withKey(key));
    expect(isReplay(first)).toBe(false);
    const told = await seen(first);
    for (let again = 0; again < 2; again++) {
      const replay = await chat(gateway, body, withKey(key));
      expect(isReplay(replay)).toBe(true);
      expect(await seen(replay)).toEqual(told);
    }
    expect(upstream.calls).toHaveLength(1);
    expect((await conversation(gateway, told.id)).message_count).toBe(2);
    expect(told.body).toContain('wörld');
  });

  test('fifty times at once is one turn, one upstream call and fifty equal replies', async () => {
    const key = newKey();
    const replies = await Promise.all(
      Array.from({ length: 50 }, () => chat(gateway, body, withKey(key))),
    );
    expect(replies.filter(isReplay)).toHaveLength(49);
    const told = await Promise.all(replies.map(seen));
    expect(new Set(told.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(told[0]?.status).toBe(200);
    expect(upstream.calls).toHaveLength(1);
  });

  test('is told the same failure, with the request id of the first', async () => {
    upstream.script = (call) => replyJson(call, { error: { message: 'broken' } }, { status: 500 });
    const key = newKey();
    const told = await seen(await chat(gateway, body, withKey(key)));
    expect(told.status).toBe(503);
    expect(told.body).toContain('"upstream_unavailable"');
    const asked = upstream.calls.length;
    upstream.script = (call) => replySse(call, streamOf(['fine now']));
    const replay = await chat(gateway, body, withKey(key));
    expect(isReplay(replay)).toBe(true);
    expect(replay.headers.get('x-request-id')).not.toBe(requestIdIn(told.body));
    expect(await seen(replay)).toEqual(told);
    expect(upstream.calls).toHaveLength(asked);
  });

  test('is told the same failure in mid-answer', async () => {
    upstream.script = (call) => replySse(call, [chunk({ content: 'half' })]);
    const key = newKey();
    const told = await seen(await chat(gateway, body, withKey(key)));
    expect(told.status).toBe(stream ? 200 : 502);
    expect(told.body).toContain('"upstream_interrupted"');
    expect(await seen(await chat(gateway, body, withKey(key)))).toEqual(told);
    expect(upstream.calls).toHaveLength(1);
  });

  test('is refused with the upstream’s own status again', async () => {
    upstream.script = (call) => replyJson(call, { error: { message: 'no' } }, { status: 422 });
    const key = newKey();
    const told = await seen(await chat(gateway, body, withKey(key)));
    expect(told.status).toBe(422);
    expect(await seen(await chat(gateway, body, withKey(key)))).toEqual(told);
  });

  test('is told the same time to wait', async () => {
    const headers = { 'retry-after': '7' };
    upstream.script = (call) => replyJson(call, { error: {} }, { status: 429, headers });
    const key = newKey();
    const told = await seen(await chat(gateway, body, withKey(key)));
    expect(told).toMatchObject({ status: 429, retryAfter: ['7', '7000', null] });
    expect(await seen(await chat(gateway, body, withKey(key)))).toEqual(told);
  });
});

describe('a request that is repeated while its turn runs', () => {
  test('follows the stream from its first event', async () => {
    const asked = holdCalls(upstream);
    const init = withKey(newKey());
    const body = { message: 'slowly', stream: true };
    const pending = chat(gateway, body, init);
    const call = await asked;
    await beginSse(call);
    await call.send(sse(chunk({ content: 'one ' })));
    const first = await pending;
    const second = await chat(gateway, body, init);
    expect(isReplay(second)).toBe(true);
    await call.send(sse(chunk({ content: 'two' }, 'stop')) + sse('[DONE]'));
    call.end();
    const [told, attached] = [await seen(first), await seen(second)];
    expect(attached).toEqual(told);
    expect(framesOf(told.body).map(({ id }) => id)).toEqual([
      `${told.turn}.0`,
      `${told.turn}.1`,
      null,
    ]);
    expect(upstream.calls).toHaveLength(1);
  });

  test('waits for the whole reply', async () => {
    const asked = holdCalls(upstream);
    const init = withKey(newKey());
    const first = chat(gateway, { message: 'slowly' }, init);
    const call = await asked;
    const second = chat(gateway, { message: 'slowly' }, init);
    // Two requests and the turn.
    while (gateway.gateway.openWork() < 3) await Bun.sleep(1);
    await replySse(call, streamOf(['done']));
    expect(await seen(await second)).toEqual(await seen(await first));
    expect(upstream.calls).toHaveLength(1);
  });

  test('is not held to be a second turn of a busy conversation', async () => {
    const { conversation_id } = await said(gateway, { message: 'hi' });
    const asked = holdCalls(upstream);
    const body = { conversation_id, message: 'slowly' };
    const init = withKey(newKey());
    const first = chat(gateway, body, init);
    const call = await asked;
    const other = await chat(gateway, body, withKey(newKey()));
    expect(other.status).toBe(409);
    const second = chat(gateway, body, init);
    await replySse(call, streamOf(['done']));
    expect(await seen(await second)).toEqual(await seen(await first));
  });

  test('still has its reply when the first client leaves', async () => {
    const asked = holdCalls(upstream);
    const init = withKey(newKey());
    const leaving = new AbortController();
    const body = { message: 'I may leave' };
    const gone = chat(gateway, body, { ...init, signal: leaving.signal }).catch(() => 'gone');
    const call = await asked;
    leaving.abort();
    expect(await gone).toBe('gone');
    const retry = chat(gateway, body, init);
    await replySse(call, streamOf(['kept']));
    expect((await seen(await retry)).body).toContain('kept');
    expect(upstream.calls).toHaveLength(1);
  });
});

describe('a key', () => {
  test('that came with another body is refused with 422, and nobody is asked', async () => {
    const init = withKey(newKey());
    await chat(gateway, { message: 'one' }, init);
    for (const body of [{ message: 'two' }, { message: 'one', stream: true }]) {
      const response = await chat(gateway, body, init);
      expect(response.status).toBe(422);
      expect(await errorOf(response)).toMatchObject({
        code: 'idempotency_key_reused',
        param: 'idempotency-key',
        retryable: false,
      });
    }
    expect(upstream.calls).toHaveLength(1);
  });

  test('that another user of the token had is refused, and tells nothing of their turn', async () => {
    const init = withKey(newKey());
    const told = await seen(await chat(gateway, { user_id: 'ann', message: 'secret' }, init));
    const response = await chat(gateway, { user_id: 'bob', message: 'secret' }, init);
    expect(response.status).toBe(422);
    expect(idsOf(response)).toEqual({ id: 'none', turn: 'none' });
    expect(await response.text()).not.toContain(told.turn);
  });

  test('that another token had is a key of its own', async () => {
    const { directory } = gateway;
    const foreign = await startGateway(configFor(upstream), { directory, bearer: 'someone-else' });
    const init = withKey(newKey());
    const told = await seen(await chat(gateway, { message: 'mine' }, init));
    const response = await chat(foreign, { message: 'mine' }, init);
    expect(isReplay(response)).toBe(false);
    expect((await seen(response)).turn).not.toBe(told.turn);
    expect(upstream.calls).toHaveLength(2);
    await foreign.close();
  });

  test.each([
    ['empty', ''],
    ['of 256 characters', 'k'.repeat(256)],
    ['beyond ASCII', 'schlüssel'],
    ['with a space', 'two words'],
  ])('that is %s is refused', async (_, key) => {
    const response = await chat(gateway, { message: 'hi' }, withKey(key));
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({
      code: 'invalid_field',
      param: 'idempotency-key',
    });
    expect(upstream.calls).toHaveLength(0);
  });

  test('may have 255 characters of any visible kind', async () => {
    const key = `"{}<>;,='%${'~'.repeat(245)}`;
    const told = await seen(await chat(gateway, { message: 'hi' }, withKey(key)));
    expect(told.status).toBe(200);
    expect(await seen(await chat(gateway, { message: 'hi' }, withKey(key)))).toEqual(told);
  });

  test('of a request that was refused before its turn is free for another', async () => {
    const init = withKey(newKey());
    expect((await chat(gateway, { message: 'hi', n: 2 }, init)).status).toBe(400);
    expect((await chat(gateway, { conversation_id: 'conv_x', message: 'hi' }, init)).status).toBe(
      404,
    );
    expect((await chat(gateway, { message: 'hi' }, init)).status).toBe(200);
  });
});

describe('a retry finds its turn', () => {
  test('of tool results, though their calls are answered by now', async () => {
    const call = { index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } };
    upstream.script = (asked) =>
      replySse(asked, [chunk({ tool_calls: [call] }), chunk({}, 'tool_calls'), '[DONE]']);
    const { conversation_id } = await said(gateway, { message: 'use f' });
    upstream.script = (asked) => replySse(asked, streamOf(['used']));
    const init = withKey(newKey());
    const body = { conversation_id, tool_results: [{ tool_call_id: 'a', content: 'r' }] };
    const told = await seen(await chat(gateway, body, init));
    expect(told.status).toBe(200);
    expect(await seen(await chat(gateway, body, init))).toEqual(told);
    expect((await chat(gateway, body)).status).toBe(400);
    expect(upstream.calls).toHaveLength(2);
  });

  test('when the conversation has moved on since, also past its expected_head', async () => {
    const { conversation_id } = await said(gateway, { message: 'one' });
    const { head } = await conversation(gateway, conversation_id);
    const init = withKey(newKey());
    const body = { conversation_id, message: 'two', expected_head: head };
    const told = await seen(await chat(gateway, body, init));
    await said(gateway, { conversation_id, message: 'three' });
    expect(await seen(await chat(gateway, body, init))).toEqual(told);
    expect((await conversation(gateway, conversation_id)).message_count).toBe(6);
  });

  test('after a restart, completed or failed', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'gateway-idempotency-'));
    const before = await startGateway(configFor(upstream), { directory });
    const [done, broken] = [withKey(newKey()), withKey(newKey())];
    const told = await seen(await chat(before, { message: 'hi', stream: true }, done));
    upstream.script = (call) => replySse(call, [chunk({ content: 'half' })]);
    const failed = await seen(await chat(before, { message: 'hi' }, broken));
    await before.close();
    const after = await startGateway(configFor(upstream), { directory });
    expect(await seen(await chat(after, { message: 'hi', stream: true }, done))).toEqual(told);
    expect(await seen(await chat(after, { message: 'hi' }, broken))).toEqual(failed);
    await after.close();
    rmSync(directory, { recursive: true });
    expect(upstream.calls).toHaveLength(2);
  });

  test('no more once its conversation is deleted: the key is free', async () => {
    const init = withKey(newKey());
    const told = await seen(await chat(gateway, { message: 'hi' }, init));
    await gateway.request(`/c1/conversations/${told.id}`, { method: 'DELETE' });
    const response = await chat(gateway, { message: 'hi' }, init);
    expect(isReplay(response)).toBe(false);
    expect((await seen(response)).id).not.toBe(told.id);
  });
});

function requestIdIn(json: string): string {
  return (JSON.parse(json) as { error: { request_id: string } }).error.request_id;
}
