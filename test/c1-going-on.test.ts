// A conversation that goes on is at hand from the turn before: what happens to it in between, here or at another gateway
// on the same data, is in the next prompt all the same.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'bun:test';
import { chat, conversation, errorOf, said, sentMessages } from './harness/c1.ts';
import {
  configFor,
  replySse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';

let upstream: FakeUpstream;
let here: TestGateway;
let elsewhere: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
});
beforeEach(async () => {
  let answers = 0;
  upstream.script = (call) => replySse(call, streamOf([`answer ${++answers}`]));
  here = await startGateway(configFor(upstream));
  elsewhere = await startGateway(configFor(upstream), { directory: here.directory });
});
afterEach(async () => {
  await elsewhere.close();
  await here.close();
});
afterAll(async () => {
  await upstream.close();
});

const ask = (gateway: TestGateway, message: string, more: object = {}) =>
  said(gateway, { message, ...more });
const lastPrompt = () => sentMessages(upstream.calls.at(-1)).map(({ content }) => content);

test('turns taken in turns at two gateways are all in the next prompt', async () => {
  const { conversation_id } = await ask(here, 'q1');
  const expected = ['q1', 'answer 1'];
  for (let turn = 2; turn < 12; turn++) {
    await ask(turn % 3 === 0 ? elsewhere : here, `q${turn}`, { conversation_id });
    expect(lastPrompt()).toEqual([...expected, `q${turn}`]);
    expected.push(`q${turn}`, `answer ${turn}`);
  }
  expect(
    (await conversation(here, conversation_id)).messages.map(({ content }) => content),
  ).toEqual(expected);
});

test('a head that was moved, a title that was changed and another branch are noticed', async () => {
  const { conversation_id } = await ask(here, 'q1');
  await ask(here, 'q2', { conversation_id });
  const { messages } = await conversation(here, conversation_id);
  const patched = await here.request(`/c1/conversations/${conversation_id}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ title: 'Other' }),
  });
  expect(patched.status).toBe(200);
  await ask(here, 'q3', { conversation_id });
  expect(lastPrompt()).toEqual(['q1', 'answer 1', 'q2', 'answer 2', 'q3']);
  await ask(here, 'again', { conversation_id, parent: messages[1]?.id });
  expect(lastPrompt()).toEqual(['q1', 'answer 1', 'again']);
  await ask(here, 'on', { conversation_id });
  expect(lastPrompt()).toEqual(['q1', 'answer 1', 'again', 'answer 4', 'on']);
});

test('one that was deleted at another gateway is not found', async () => {
  const { conversation_id } = await ask(here, 'q1');
  const path = `/c1/conversations/${conversation_id}`;
  expect((await elsewhere.request(path, { method: 'DELETE' })).status).toBe(204);
  const response = await chat(here, { message: 'q2', conversation_id });
  expect((await errorOf(response)).code).toBe('conversation_not_found');
});

test('one whose epoch changed at another gateway goes on in that epoch', async () => {
  const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }];
  const { conversation_id } = await ask(here, 'q1');
  await ask(elsewhere, 'q2', { conversation_id, tools });
  await ask(here, 'q3', { conversation_id });
  expect(JSON.parse(upstream.calls.at(-1)?.body ?? '{}')).toMatchObject({ tools });
});

test('an expected head that was moved elsewhere is right, and the one that it was is not', async () => {
  const { conversation_id } = await ask(here, 'q1');
  const [, answer] = (await conversation(here, conversation_id)).messages;
  await ask(elsewhere, 'q2', { conversation_id });
  const head = (await conversation(here, conversation_id)).messages.at(-1);
  const stale = { message: 'q3', conversation_id, expected_head: answer?.id };
  expect((await errorOf(await chat(here, stale))).code).toBe('head_moved');
  await ask(here, 'q3', { conversation_id, expected_head: head?.id });
  expect(lastPrompt()).toHaveLength(5);
});
