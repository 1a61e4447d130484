// The client against a gateway: what it yields, and what it tells of a turn that does not complete.
import { Database } from 'bun:sqlite';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { ChatError, createChatClient, type ChatClient, type Turn } from '../client/index.ts';
import { conversation, holdCalls, rows, said } from './harness/c1.ts';
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
import { startGateway, TOKEN, type TestGateway } from './harness/gateway.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
let client: ChatClient;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream));
  client = createChatClient({ baseUrl: gateway.url, token: TOKEN });
});
beforeEach(() => {
  upstream.script = (call) => replySse(call, streamOf(['one ', 'two ', 'three']));
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const model = 'test-model';

async function piecesOf(turn: Turn): Promise<string[]> {
  const pieces: string[] = [];
  for await (const piece of turn) pieces.push(piece);
  return pieces;
}

/** The error that a turn ends with. */
async function failureOf(turn: Turn): Promise<ChatError> {
  const thrown: unknown = await piecesOf(turn).catch((error: unknown) => error);
  if (thrown instanceof ChatError) return thrown;
  throw new Error('the turn should have failed with a ChatError', { cause: thrown });
}

/** From now on an answer stays without an end after its first word; resolves with its call. */
async function beginAnswer(word: string) {
  const call = await holdCalls(upstream);
  await beginSse(call);
  await call.send(sse(chunk({ content: word })));
  return call;
}

describe('a turn', () => {
  test('yields the text as it comes and knows its ids and its end', async () => {
    const turn = client.send({ model, message: 'count' });
    expect([turn.id, turn.conversationId, turn.finishReason, turn.text]).toEqual([
      null,
      null,
      null,
      '',
    ]);
    expect((await piecesOf(turn)).join('')).toBe('one two three');
    expect(turn.text).toBe('one two three');
    expect(turn.id).toMatch(/^turn_/);
    expect(turn.finishReason).toBe('stop');
    const { messages } = await conversation(gateway, turn.conversationId ?? '');
    expect(messages.map(({ content }) => content)).toEqual(['count', 'one two three']);
  });

  test('goes on in the conversation that an earlier one opened, for the same user', async () => {
    const first = client.send({ model, message: 'a', user_id: 'zoë & co' });
    await piecesOf(first);
    const second = client.send({
      model,
      message: 'b',
      user_id: 'zoë & co',
      conversation_id: first.conversationId ?? '',
    });
    await piecesOf(second);
    expect(second.conversationId).toBe(first.conversationId);
    await second.cancel();
  });

  test('hands every chunk to onChunk: tool calls, usage, and text too', async () => {
    const call = {
      index: 0,
      id: 'call_1',
      type: 'function',
      function: { name: 'f', arguments: '{}' },
    };
    upstream.script = (asked) =>
      replySse(asked, [chunk({ tool_calls: [call] }), chunk({}, 'tool_calls'), '[DONE]']);
    const turn = client.send({ model, message: 'use f', tools: [f] });
    const chunks: unknown[] = [];
    turn.onChunk = (json, isSnapshot) => chunks.push([json, isSnapshot]);
    expect(await piecesOf(turn)).toEqual([]);
    expect(turn.finishReason).toBe('tool_calls');
    expect(chunks).toMatchObject([
      [{ choices: [{ delta: { tool_calls: [call] } }] }, false],
      [{}, false],
    ]);
  });

  test('throws what onChunk throws, and does not take it for a lost connection', async () => {
    const turn = client.send({ model, message: 'count' });
    turn.onChunk = () => {
      throw new RangeError('mine');
    };
    const thrown: unknown = await piecesOf(turn).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(RangeError);
  });

  test('that was left is gone on with after the text that it had', async () => {
    const held = beginAnswer('one ');
    const turn = client.send({ model, message: 'count' });
    for await (const piece of turn) {
      expect(piece).toBe('one ');
      break;
    }
    const call = await held;
    await call.send(sse(chunk({ content: 'two' })) + sse(chunk({}, 'stop')) + sse('[DONE]'));
    expect((await piecesOf(turn)).join('')).toBe('two');
    expect(turn.text).toBe('one two');
    expect(await piecesOf(turn)).toEqual([]);
  });

  test('is iterated once at a time', async () => {
    const turn = client.send({ model, message: 'count' });
    const both = await Promise.allSettled([piecesOf(turn), piecesOf(turn)]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });

  test('with a key of another process is that turn, and is not asked for again', async () => {
    const asked = upstream.calls.length;
    const options = { idempotencyKey: 'shared-key' };
    const [one, other] = [1, 2].map(() => client.send({ model, message: 'count' }, options));
    if (!one || !other) throw new Error('two turns');
    await Promise.all([piecesOf(one), piecesOf(other)]);
    expect(other.id).toBe(one.id);
    expect(other.text).toBe('one two three');
    expect(upstream.calls.length).toBe(asked + 1);
  });

  test('is followed by its id alone, from its first word on', async () => {
    const held = beginAnswer('one ');
    const begun = client.send({ model, message: 'count' });
    await begun[Symbol.asyncIterator]().next();
    const call = await held;
    const followed = client.follow(begun.id ?? '');
    const pieces = piecesOf(followed);
    await call.send(streamOf(['two']).slice(1).map(sse).join(''));
    call.end();
    expect((await pieces).join('')).toBe('one two');
    expect(followed).toMatchObject({
      id: begun.id,
      conversationId: begun.conversationId,
      finishReason: 'stop',
    });
  });

  test('whose events are gone by now yields the stored answer', async () => {
    const options = { idempotencyKey: 'old-key' };
    const before = client.send({ model, message: 'count' }, options);
    await piecesOf(before);
    using db = new Database(join(gateway.directory, 'gateway.db'));
    db.prepare('DELETE FROM turn_event WHERE turn = ?').run(before.id);
    const after = client.send({ model, message: 'count' }, options);
    const snapshots: boolean[] = [];
    after.onChunk = (_, isSnapshot) => snapshots.push(isSnapshot);
    expect(await piecesOf(after)).toEqual(['one two three']);
    expect(after.finishReason).toBe('stop');
    expect(snapshots).toEqual([true]);
  });
});

const f = { type: 'function', function: { name: 'f', parameters: { type: 'object' } } };

describe('a turn that is stopped', () => {
  test('by its signal throws the reason, and goes on in the gateway', async () => {
    const held = beginAnswer('one ');
    const controller = new AbortController();
    const turn = client.send({ model, message: 'count' }, { signal: controller.signal });
    const reason = new Error('enough');
    const thrown: unknown = await (async () => {
      for await (const _ of turn) controller.abort(reason);
    })().catch((error: unknown) => error);
    expect(thrown).toBe(reason);
    const call = await held;
    await call.send(sse(chunk({ content: 'two' }, 'stop')) + sse('[DONE]'));
    await gateway.logged('turn finished', turn.id ?? '');
    const { messages } = await conversation(gateway, turn.conversationId ?? '');
    expect(messages.at(-1)?.content).toBe('one two');
  });

  test('by a signal that was aborted before is not sent', async () => {
    const asked = upstream.calls.length;
    const turn = client.send({ model, message: 'x' }, { signal: AbortSignal.abort('never') });
    expect(await piecesOf(turn).catch((reason: unknown) => reason)).toBe('never');
    await turn.cancel();
    expect(upstream.calls.length).toBe(asked);
  });

  test('by cancel() ends with turn_cancelled and everything that was shown', async () => {
    const held = beginAnswer('one ');
    const turn = client.send({ model, message: 'count' });
    const thrown: unknown = await (async () => {
      for await (const _ of turn) await turn.cancel();
    })().catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(ChatError);
    expect(thrown).toMatchObject({ code: 'turn_cancelled', text: 'one ', status: null });
    await (
      await held
    ).closed;
    await turn.cancel();
  });

  test('by cancel() before the gateway has named it is ended there all the same', async () => {
    const held = holdCalls(upstream);
    const silent = await startGateway(configFor(upstream, 'streams: { heartbeat_ms: 1000 }'));
    const controller = new AbortController();
    const turn = createChatClient({ baseUrl: silent.url, token: TOKEN }).send(
      { model, message: 'count' },
      { signal: controller.signal },
    );
    const ended = piecesOf(turn).catch((error: unknown) => error);
    const call = await held;
    controller.abort();
    await ended;
    expect(turn.id).toBeNull();
    await turn.cancel();
    await call.closed;
    expect(rows<object>(silent, 'SELECT status FROM turn')).toEqual([{ status: 'cancelled' }]);
    await silent.close();
  });
});

describe('a turn that fails', () => {
  test('in mid-answer throws the gateway’s error with everything that was shown', async () => {
    const held = beginAnswer('half ');
    const turn = client.send({ model, message: 'count' });
    const failed = failureOf(turn);
    (await held).end();
    const error = await failed;
    expect(error).toMatchObject({ code: 'upstream_interrupted', text: 'half ', retryable: true });
    expect(error.requestId).toMatch(/^req_/);
    expect(error.message).toMatch(/\w/);
  });

  test('before its first word is not tried again under the same key', async () => {
    const headers = { 'retry-after': '9' };
    upstream.script = (call) => replyJson(call, {}, { status: 500, headers });
    const asked = upstream.calls.length;
    const turn = client.send({ model, message: 'count' });
    const error = await failureOf(turn);
    expect(error).toMatchObject({ code: 'upstream_unavailable', status: 503, text: '' });
    expect(upstream.calls.length).toBe(asked + 1);
    expect(turn.id).toMatch(/^turn_/);
  });

  test('is told apart from one that the conversation has no time for', async () => {
    const { conversation_id } = await said(gateway, { message: 'first' });
    const held = beginAnswer('slow');
    const slow = client.send({ model, conversation_id, message: 'slow' });
    const ended = piecesOf(slow);
    const call = await held;
    const busy = await failureOf(client.send({ model, conversation_id, message: 'hasty' }));
    expect(busy).toMatchObject({ code: 'conversation_busy', status: 409, retryable: true });
    await call.send(sse(chunk({}, 'stop')) + sse('[DONE]'));
    expect(await ended).toEqual(['slow']);
  });

  test.each([
    [
      { model: 'nobody', message: 'x' },
      { code: 'model_not_in_allowlist', param: 'model' },
    ],
    [
      { model, message: '' },
      { code: 'invalid_field', status: 400 },
    ],
    [
      { model, message: 'x', conversation_id: 'conv_none' },
      { code: 'conversation_not_found', status: 404 },
    ],
  ])('says what is wrong with %p', async (message, says) => {
    expect(await failureOf(client.send(message))).toMatchObject({ ...says, retryable: false });
  });

  test('for want of the right token says so at once', async () => {
    const stranger = createChatClient({ baseUrl: `${gateway.url}/`, token: 'wrong' });
    expect(await failureOf(stranger.send({ model, message: 'x' }))).toMatchObject({
      code: 'invalid_authorization',
      status: 401,
    });
  });

  test('because its conversation was deleted says so', async () => {
    const held = beginAnswer('half ');
    const turn = client.send({ model, message: 'count' });
    for await (const _ of turn) break;
    await held;
    const path = `/c1/conversations/${turn.conversationId}`;
    expect((await gateway.request(path, { method: 'DELETE' })).status).toBe(204);
    await gateway.logged('turn finished', turn.id ?? '');
    expect(await failureOf(turn)).toMatchObject({ code: 'turn_not_found', text: 'half ' });
  });
});
