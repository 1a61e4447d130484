// Ending a turn: on request, and when nobody follows it any more.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import {
  chat,
  conversation,
  errorOf,
  framesOf,
  holdCalls,
  idsOf,
  readUntil,
  said,
  sentMessages,
  shownTurn,
  type ShownTurn,
} from './harness/c1.ts';
import {
  chunk,
  configFor,
  replySse,
  sse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';
import { halfWay, readerOf } from './harness/half-way.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
/** Its turns may be without a follower for a moment only. */
let impatient: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream));
  impatient = await startGateway(
    configFor(upstream, 'turns: { orphan_ms: 200 }\nstreams: { heartbeat_ms: 50 }'),
  );
});
beforeEach(() => {
  upstream.script = (call) => replySse(call, streamOf(['ok']));
});
afterAll(async () => {
  await Promise.all([gateway.close(), impatient.close()]);
  await upstream.close();
});

async function cancelled(turn: string): Promise<ShownTurn> {
  const response = await gateway.request(`/c1/turns/${turn}/cancel`, { method: 'POST' });
  expect(response.status).toBe(200);
  return (await response.json()) as ShownTurn;
}

const codeIn = (text: string) =>
  (JSON.parse(framesOf(text).at(-1)?.data ?? '') as { error: { code: string } }).error.code;

describe('a turn that is cancelled', () => {
  test('in mid-answer keeps what was seen of it, and the next turn goes on from there', async () => {
    const { call, response, id, turn } = await halfWay(upstream, gateway);
    const shown = await cancelled(turn);
    expect(shown).toMatchObject({ id: turn, status: 'cancelled', finish_reason: null });
    await call.closed;
    expect(codeIn(await response.text())).toBe('turn_cancelled');
    const stored = await conversation(gateway, id);
    expect(stored.messages.map(({ content }) => content)).toEqual(['hi', 'half ']);
    expect(stored.head).toBe(shown.output_node);
    upstream.script = (next) => replySse(next, streamOf(['ok']));
    await said(gateway, { conversation_id: id, message: 'go on' });
    expect(sentMessages(upstream.calls.at(-1)).map(({ content }) => content)).toEqual([
      'hi',
      'half ',
      'go on',
    ]);
  });

  test('before the first token leaves the head where it was, and the conversation free', async () => {
    const { conversation_id } = await said(gateway, { message: 'first' });
    const { head } = await conversation(gateway, conversation_id);
    const asked = holdCalls(upstream);
    const pending = chat(gateway, { conversation_id, message: 'never mind' });
    const call = await asked;
    const busy = await chat(gateway, { conversation_id, message: 'x' });
    const turn = /turn_\w+/.exec((await errorOf(busy)).message)?.[0] ?? '';
    expect(await cancelled(turn)).toMatchObject({ status: 'cancelled', output_node: null });
    await call.closed;
    const response = await pending;
    expect(response.status).toBe(409);
    expect(idsOf(response).turn).toBe(turn);
    expect(await errorOf(response)).toMatchObject({ code: 'turn_cancelled', retryable: false });
    expect((await conversation(gateway, conversation_id)).head).toBe(head);
    upstream.script = (next) => replySse(next, streamOf(['ok']));
    await said(gateway, { conversation_id, message: 'something else' });
  });

  test('twice, or by many at once, ends once', async () => {
    const { turn, id } = await halfWay(upstream, gateway);
    const all = await Promise.all(Array.from({ length: 10 }, () => cancelled(turn)));
    const again = await cancelled(turn);
    for (const each of all) expect(each).toEqual(again);
    expect(again.status).toBe('cancelled');
    expect((await conversation(gateway, id)).message_count).toBe(2);
  });

  test('after its end stays what it is', async () => {
    const { turn_id, conversation_id } = await said(gateway, { message: 'hi' });
    expect(await cancelled(turn_id)).toMatchObject({ status: 'completed' });
    expect(await shownTurn(gateway, turn_id)).toMatchObject({ status: 'completed', text: 'ok' });
    upstream.script = (call) => replySse(call, [chunk({ content: 'half' })]);
    const response = await chat(gateway, { conversation_id, message: 'again' });
    expect(response.status).toBe(502);
    expect(await cancelled(idsOf(response).turn)).toMatchObject({
      status: 'failed',
      error_code: 'upstream_interrupted',
    });
  });

  test('while its answer ends has exactly one end', async () => {
    for (let round = 0; round < 20; round++) {
      const { call, response, turn, id } = await halfWay(upstream, gateway);
      const [shown] = await Promise.all([
        cancelled(turn),
        call.send(sse(chunk({}, 'stop')) + sse('[DONE]')).then(() => call.end()),
      ]);
      const text = await response.text();
      expect(text.endsWith('data: [DONE]\n\n')).toBe(shown.status === 'completed');
      if (shown.status === 'cancelled') expect(codeIn(text)).toBe('turn_cancelled');
      expect(await shownTurn(gateway, turn)).toMatchObject({ status: shown.status });
      const { head, messages } = await conversation(gateway, id);
      expect(head).toBe(shown.output_node);
      expect(messages[1]?.content).toBe('half ');
    }
  });
});

describe('a turn that nobody follows', () => {
  test('is cancelled after its time, and what was said is kept', async () => {
    const leaving = new AbortController();
    const { call, response, turn, id } = await halfWay(upstream, impatient, {
      signal: leaving.signal,
    });
    await readUntil(readerOf(response), 'half ');
    leaving.abort();
    await impatient.logged('turn finished', turn, 'cancelled');
    await call.closed;
    const shown = await shownTurn(impatient, turn);
    expect(shown).toMatchObject({ status: 'cancelled', text: 'half ' });
    expect((await conversation(impatient, id)).head).toBe(shown.output_node);
    const events = await impatient.request(`/c1/turns/${turn}/events`);
    expect(await events.text()).toContain('nobody followed it');
  });

  test('lives on when somebody comes back in time, and while anybody stays', async () => {
    const leaving = new AbortController();
    const { call, response, turn } = await halfWay(upstream, impatient, { signal: leaving.signal });
    await readUntil(readerOf(response), 'half ');
    const back = await impatient.request(`/c1/turns/${turn}/events`);
    leaving.abort();
    const reader = readerOf(back);
    await readUntil(reader, 'half ');
    // Its heartbeats tell the time: eight of them are twice the deadline.
    for (let beat = 0; beat < 8; beat++) await readUntil(reader, ': ping');
    expect(await shownTurn(impatient, turn)).toMatchObject({ status: 'streaming' });
    await call.send(sse(chunk({ content: 'whole' }, 'stop')) + sse('[DONE]'));
    call.end();
    await readUntil(reader, '[DONE]');
    expect(await shownTurn(impatient, turn)).toMatchObject({
      status: 'completed',
      text: 'half whole',
    });
  });

  test('is not one whose client waits for a whole reply', async () => {
    const asked = holdCalls(upstream);
    const pending = chat(impatient, { message: 'take your time' });
    const call = await asked;
    // Another turn, left alone meanwhile, tells when the deadline has passed.
    const leaving = new AbortController();
    const other = await halfWay(upstream, impatient, { signal: leaving.signal });
    await readUntil(readerOf(other.response), 'half ');
    leaving.abort();
    await impatient.logged('turn finished', other.turn, 'cancelled');
    await replySse(call, streamOf(['done']));
    expect((await pending).status).toBe(200);
  });
});

describe('a client that asked for on_disconnect', () => {
  test.each([
    ['cancel', 'cancelled'],
    ['continue', 'completed'],
  ])('%s leaves a turn that is %s', async (on_disconnect, status) => {
    const leaving = new AbortController();
    const { call, response, turn } = await halfWay(upstream, gateway, {
      body: { on_disconnect },
      signal: leaving.signal,
    });
    await readUntil(readerOf(response), 'half ');
    leaving.abort();
    if (status === 'cancelled') await call.closed;
    else await gateway.logged('client gone', turn);
    await call.send(sse(chunk({ content: 'whole' }, 'stop')) + sse('[DONE]'));
    call.end();
    await gateway.logged('turn finished', turn, status);
    expect(await shownTurn(gateway, turn)).toMatchObject({
      status,
      text: status === 'cancelled' ? 'half ' : 'half whole',
    });
  });

  test('cancel and only resumes it elsewhere does not end it by leaving there', async () => {
    const { call, response, turn } = await halfWay(upstream, gateway, {
      body: { on_disconnect: 'cancel' },
    });
    const leaving = new AbortController();
    const second = await gateway.request(`/c1/turns/${turn}/events`, { signal: leaving.signal });
    await readUntil(readerOf(second), 'half ');
    leaving.abort();
    await gateway.logged('client gone', `/c1/turns/${turn}/events`);
    await call.send(sse(chunk({ content: 'whole' }, 'stop')) + sse('[DONE]'));
    call.end();
    expect(await response.text()).toEndWith('data: [DONE]\n\n');
  });
});
