// A turn belongs to no connection: what becomes of it when its client leaves.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import {
  chat,
  conversation,
  errorOf,
  holdCalls,
  readUntil,
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
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

test('the turn goes on: the answer is there afterwards and goes into the next prompt', async () => {
  const asked = holdCalls(upstream);
  const client = new AbortController();
  const pending = chat(gateway, { message: 'tell me', stream: true }, { signal: client.signal });
  const call = await asked;
  await beginSse(call);
  await call.send(sse(chunk({ role: 'assistant', content: 'first ' })));
  const response = await pending;
  const { id, turn } = idsOf(response);
  await readUntil(bodyOf(response), 'first ');
  client.abort();
  await gateway.logged('client gone', turn);

  await call.send(sse(chunk({ content: 'second' }, 'stop')) + sse('[DONE]'));
  call.end();
  await gateway.logged('turn finished', turn, 'completed');
  const stored = await conversation(gateway, id);
  expect(stored.messages.map(({ content }) => content)).toEqual(['tell me', 'first second']);

  upstream.script = (next) => replySse(next, streamOf(['ok']));
  await said(gateway, { conversation_id: id, message: 'and?' });
  expect(sentMessages(upstream.calls.at(-1)).map(({ content }) => content)).toEqual([
    'tell me',
    'first second',
    'and?',
  ]);
});

test('the turn goes on as well when the client waited for a whole reply', async () => {
  const asked = holdCalls(upstream);
  const client = new AbortController();
  const pending = chat(gateway, { message: 'slowly' }, { signal: client.signal });
  const gone = pending.catch((error: unknown) => error);
  const call = await asked;
  client.abort();
  expect(await gone).toMatchObject({ name: 'AbortError' });
  await gateway.logged('client gone', '/c1/chat');
  await replySse(call, streamOf(['late']));
  await gateway.logged('turn finished', 'completed', await newestId());
  expect((await conversation(gateway, await newestId())).messages[1]?.content).toBe('late');
});

test('on_disconnect continue is the default spelt out', async () => {
  const asked = holdCalls(upstream);
  const client = new AbortController();
  const pending = chat(
    gateway,
    { message: 'stay', stream: true, on_disconnect: 'continue' },
    { signal: client.signal },
  );
  const call = await asked;
  await beginSse(call);
  await call.send(sse(chunk({ content: 'here' })));
  const { turn } = idsOf(await pending);
  client.abort();
  await gateway.logged('client gone', turn);
  await call.send(sse(chunk({}, 'stop')) + sse('[DONE]'));
  await gateway.logged('turn finished', turn, 'completed');
});

test('on_disconnect cancel ends the turn and its upstream call; what was seen is kept', async () => {
  const asked = holdCalls(upstream);
  const client = new AbortController();
  const pending = chat(
    gateway,
    { message: 'go', stream: true, on_disconnect: 'cancel' },
    { signal: client.signal },
  );
  const call = await asked;
  await beginSse(call);
  await call.send(sse(chunk({ content: 'seen' })));
  const response = await pending;
  const { id, turn } = idsOf(response);
  await readUntil(bodyOf(response), 'seen');
  client.abort();
  await gateway.logged('turn finished', 'cancelled', turn);
  await call.closed;
  const stored = await conversation(gateway, id);
  expect(stored.messages.map(({ content }) => content)).toEqual(['go', 'seen']);
});

test('on_disconnect cancel before the first token leaves nothing behind but the conversation', async () => {
  const asked = holdCalls(upstream);
  const client = new AbortController();
  const pending = chat(
    gateway,
    { message: 'never mind', on_disconnect: 'cancel' },
    { signal: client.signal },
  );
  const gone = pending.catch((error: unknown) => error);
  const call = await asked;
  client.abort();
  expect(await gone).toMatchObject({ name: 'AbortError' });
  await call.closed;
  const id = await newestId();
  await gateway.logged('turn finished', 'cancelled', id);
  expect(await conversation(gateway, id)).toMatchObject({
    head: null,
    message_count: 0,
    messages: [],
  });
});

test('half a tool call that nobody can use is not kept when the turn is cancelled', async () => {
  const asked = holdCalls(upstream);
  const client = new AbortController();
  const pending = chat(
    gateway,
    { message: 'go', stream: true, on_disconnect: 'cancel' },
    { signal: client.signal },
  );
  const call = await asked;
  await beginSse(call);
  const half = { index: 0, id: 'c1', function: { name: 'f', arguments: '{"a' } };
  await call.send(sse(chunk({ content: 'Let me look.' })) + sse(chunk({ tool_calls: [half] })));
  const response = await pending;
  await readUntil(bodyOf(response), '{\\"a');
  client.abort();
  const { id, turn } = idsOf(response);
  await gateway.logged('turn finished', 'cancelled', turn);
  const { messages } = await conversation(gateway, id);
  expect(messages[1]).toMatchObject({ role: 'assistant', content: 'Let me look.' });
  expect(messages[1]).not.toHaveProperty('tool_calls');
});

test('on_disconnect takes no other value', async () => {
  const response = await chat(gateway, { message: 'hi', on_disconnect: 'explode' });
  expect(response.status).toBe(400);
  expect(await errorOf(response)).toMatchObject({ code: 'invalid_field', param: 'on_disconnect' });
});

function idsOf({ headers }: Response): { id: string; turn: string } {
  return {
    id: headers.get('x-conversation-id') ?? 'none',
    turn: headers.get('x-turn-id') ?? 'none',
  };
}

function bodyOf({ body }: Response) {
  if (!body) throw new Error('the reply has no body');
  return body.getReader();
}

async function newestId(): Promise<string> {
  const response = await gateway.request('/c1/conversations?limit=1');
  const { items } = (await response.json()) as { items: { id: string }[] };
  return items[0]?.id ?? 'none';
}
