// What goes wrong while a turn runs, and what must not: nothing half is ever part of a conversation, nothing
// interleaves, and the next turn always works.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import {
  chat,
  conversation,
  errorOf,
  framesOf,
  holdCalls,
  rows,
  said,
  sentMessages,
} from './harness/c1.ts';
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
import { startGateway, type TestGateway } from './harness/gateway.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream));
});
beforeEach(() => {
  upstream.script = (call) => replySse(call, streamOf(['ok']));
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const statusOf = (turn: string | null) =>
  rows<{ status: string; error_code: string | null }>(
    gateway,
    `SELECT status, error_code FROM turn WHERE id = '${turn}'`,
  )[0];

describe('a conversation whose turn is running', () => {
  test('refuses a second turn before any byte, naming the first, and takes it afterwards', async () => {
    const { conversation_id } = await said(gateway, { message: 'first' });
    const held = holdCalls(upstream);
    const pending = chat(gateway, { conversation_id, message: 'slow', stream: true });
    const call = await held;
    await beginSse(call);
    await call.send(sse(chunk({ content: 'slow' })));
    const running = await pending;
    const asked = upstream.calls.length;

    for (const stream of [true, false]) {
      const second = await chat(gateway, { conversation_id, message: 'hasty', stream });
      expect(second.status).toBe(409);
      expect(second.headers.get('content-type')).toBe('application/json');
      expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(second.headers.get('retry-after-ms')).not.toBeNull();
      const error = await errorOf(second);
      expect(error).toMatchObject({
        code: 'conversation_busy',
        type: 'conflict',
        param: 'conversation_id',
        retryable: true,
      });
      expect(error.message).toContain(running.headers.get('x-turn-id') ?? 'no turn');
    }
    expect(upstream.calls.length).toBe(asked);

    await call.send(sse(chunk({}, 'stop')) + sse('[DONE]'));
    expect(await running.text()).toEndWith('data: [DONE]\n\n');
    upstream.script = (next) => replySse(next, streamOf(['ok']));
    await said(gateway, { conversation_id, message: 'patient' });
    const { messages } = await conversation(gateway, conversation_id);
    expect(messages.map(({ content }) => content)).toEqual([
      'first',
      'ok',
      'slow',
      'slow',
      'patient',
      'ok',
    ]);
  });

  test('takes one of 50 at a time, and nothing interleaves', async () => {
    const { conversation_id } = await said(gateway, { message: 'first' });
    let running = 0;
    let most = 0;
    upstream.script = async (call) => {
      most = Math.max(most, ++running);
      const question = sentMessages(call).at(-1)?.content;
      await beginSse(call);
      await call.send(sse(chunk({ content: 'answer to ' })));
      await call.send(sse(chunk({ content: String(question) })));
      running--;
      await call.send(sse(chunk({}, 'stop')) + sse('[DONE]'));
      call.end();
    };
    const accepted: string[] = [];
    const post = async (message: string): Promise<boolean> => {
      const response = await chat(gateway, { conversation_id, message });
      const text = await response.text();
      if (response.status === 200) accepted.push(message);
      else
        expect([response.status, JSON.parse(text).error.code]).toEqual([409, 'conversation_busy']);
      return response.status === 200;
    };
    const all = await Promise.all(
      Array.from({ length: 50 }, (_, index) => post(`at once ${index}`)),
    );
    expect(all).toContain(true);
    await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        while (!(await post(`stubborn ${index}`)));
      }),
    );
    expect(most).toBe(1);
    const { messages } = await conversation(gateway, conversation_id);
    const pairs = messages.slice(2).map(({ content }) => content as string);
    expect(pairs).toEqual(accepted.flatMap((message) => [message, `answer to ${message}`]));
  });

  test('can be deleted: the stream ends with an error, and nothing of the turn stays', async () => {
    const held = holdCalls(upstream);
    const pending = chat(gateway, { message: 'doomed', stream: true });
    const call = await held;
    await beginSse(call);
    await call.send(sse(chunk({ content: 'half' })));
    const response = await pending;
    const id = response.headers.get('x-conversation-id') ?? '';
    const removed = await gateway.request(`/c1/conversations/${id}`, { method: 'DELETE' });
    expect(removed.status).toBe(204);
    await call.send(sse(chunk({ content: ' whole' }, 'stop')) + sse('[DONE]'));
    call.end();
    const text = await response.text();
    expect(text).not.toContain('[DONE]');
    expect(JSON.parse(framesOf(text).at(-1)?.data ?? '').error.code).toBe('turn_cancelled');
    await gateway.logged('turn finished', id);
    expect((await gateway.request(`/c1/conversations/${id}`)).status).toBe(404);
    for (const table of ['turn', 'node', 'epoch'])
      expect(rows(gateway, `SELECT 1 FROM ${table} WHERE conversation = '${id}'`)).toEqual([]);
    const turn = response.headers.get('x-turn-id');
    expect(rows(gateway, `SELECT 1 FROM turn_event WHERE turn = '${turn}'`)).toEqual([]);
  });
});

test('a failure that was told is over: the next turn is never refused as too early', async () => {
  const { conversation_id } = await said(gateway, { message: 'before' });
  for (let round = 0; round < 20; round++) {
    upstream.script = async (call) => {
      await beginSse(call);
      await call.send(sse(chunk({ content: 'half' })));
      call.end();
    };
    const failed = await chat(gateway, { conversation_id, message: 'x', stream: round % 2 === 0 });
    expect(await failed.text()).toContain('upstream_interrupted');
    upstream.script = (call) => replySse(call, streamOf(['ok']));
    await said(gateway, { conversation_id, message: 'again' });
  }
});

test('an answer that was cut by its token limit is an answer', async () => {
  upstream.script = (call) =>
    replySse(call, [chunk({ content: 'once upon' }), chunk({}, 'length'), '[DONE]']);
  const reply = await said(gateway, { message: 'tell', max_tokens: 2 });
  expect(reply.choices[0].finish_reason).toBe('length');
  expect(await conversation(gateway, reply.conversation_id)).toMatchObject({ message_count: 2 });
});

test('an answer that says nothing completes the turn and adds nothing to the history', async () => {
  upstream.script = (call) =>
    replySse(call, [chunk({ reasoning: 'hm' }), chunk({}, 'stop'), '[DONE]']);
  const reply = await said(gateway, { message: 'think' });
  expect(statusOf(reply.turn_id)).toEqual({ status: 'completed', error_code: null });
  expect(await conversation(gateway, reply.conversation_id)).toMatchObject({ messages: [] });
});
