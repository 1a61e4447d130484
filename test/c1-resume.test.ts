// /c1/turns/{id}: looking at a turn, following it from any event on, and ending it, whatever became of it.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { openSqliteStore } from '../src/storage/sqlite.ts';
import {
  chat,
  errorOf,
  framesOf,
  gif,
  holdCalls,
  idsOf,
  joinedText,
  readUntil,
  said,
  shownTurn,
  type Frame,
} from './harness/c1.ts';
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
import { spawnGateway, startGateway, type TestGateway } from './harness/gateway.ts';
import { halfWay, otherHalf, readerOf } from './harness/half-way.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream));
});
beforeEach(() => {
  upstream.script = (call) => replySse(call, streamOf(['one ', 'two ', 'three']));
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

type Asked = Pick<TestGateway, 'request'>;

async function eventsOf(
  turn: string,
  {
    query = '',
    lastEventId = '',
    at = gateway,
  }: { query?: string; lastEventId?: string; at?: Asked } = {},
): Promise<string> {
  const headers = lastEventId === '' ? {} : { headers: { 'last-event-id': lastEventId } };
  const response = await at.request(`/c1/turns/${turn}/events${query}`, headers);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`HTTP ${response.status}: ${text}`);
  expect(response.headers.get('content-type')).toStartWith('text/event-stream');
  expect(response.headers.get('x-turn-id')).toBe(turn);
  return withoutComments(text);
}

/** A stream's whole text, and the turn that it is of. */
async function streamed(body: object = {}): Promise<{ id: string; turn: string; text: string }> {
  const response = await chat(gateway, { message: 'hi', stream: true, ...body });
  return { ...idsOf(response), text: await response.text() };
}

const withoutComments = (text: string) => text.replaceAll(/^:.*\n\n/gm, '');

const cancel = (turn: string, at: Asked = gateway) =>
  at.request(`/c1/turns/${turn}/cancel`, { method: 'POST' });

/** Every resumption of a stream gives what was missed of it, by header and by query. */
async function checkResumptions(turn: string, text: string): Promise<void> {
  const blocks = text.split(/(?<=\n\n)/);
  const numbered = framesOf(text).filter(({ id }) => id !== null);
  for (let seen = 0; seen <= numbered.length; seen++) {
    // Whoever has seen the error is told it again: it is how the stream ends.
    const isToldAgain = seen === blocks.length;
    const missed = blocks.slice(isToldAgain ? seen - 1 : seen).join('');
    expect(await eventsOf(turn, { query: `?after=${seen - 1}` })).toBe(missed);
    expect(await eventsOf(turn, { lastEventId: `${turn}.${seen - 1}` })).toBe(missed);
  }
  expect(await eventsOf(turn)).toBe(text);
}

describe('the events of a turn', () => {
  test('that completed come from any of them on, as they were', async () => {
    const { turn, text } = await streamed();
    await checkResumptions(turn, text);
    expect(text).toEndWith('data: [DONE]\n\n');
  });

  test('that failed in mid-answer end with the same error event', async () => {
    upstream.script = (call) => replySse(call, [chunk({ content: 'half' })]);
    const { turn, text } = await streamed();
    expect(lastError(text)).toMatchObject({ code: 'upstream_interrupted' });
    await checkResumptions(turn, text);
  });

  test('that failed before a word are the error event alone', async () => {
    upstream.script = (call) => replyJson(call, { error: { message: 'no' } }, { status: 500 });
    const response = await chat(gateway, { message: 'hi' });
    const { turn } = idsOf(response);
    const text = await eventsOf(turn);
    expect(text).toStartWith(`id: ${turn}.0\n`);
    expect(lastError(text)).toEqual({ ...(await errorOf(response)) });
    await checkResumptions(turn, text);
  });

  test('that was cancelled end with turn_cancelled', async () => {
    const { turn, response } = await halfWay(upstream, gateway);
    await cancel(turn);
    const text = await response.text();
    expect(lastError(text)).toMatchObject({ code: 'turn_cancelled', retryable: false });
    await checkResumptions(turn, text);
  });

  test('that runs come with what was missed, then live, to any number of followers', async () => {
    const { turn, call, response } = await halfWay(upstream, gateway);
    const all = gateway.request(`/c1/turns/${turn}/events?after=-1`);
    const rest = gateway.request(`/c1/turns/${turn}/events`, {
      headers: { 'last-event-id': `${turn}.0` },
    });
    await readUntil(readerOf((await all).clone()), 'half ');
    expect((await rest).status).toBe(200);
    await otherHalf(call);
    const text = await response.text();
    expect(joinedText(framesOf(text))).toBe('half whole');
    expect(withoutComments(await (await all).text())).toBe(text);
    expect(withoutComments(await (await rest).text())).toBe(text.slice(text.indexOf('\n\n') + 2));
  });

  test('that runs are numbered the same for an odd place to begin at', async () => {
    const { turn, call, response } = await halfWay(upstream, gateway);
    await call.send(sse(chunk({ content: 'more ' })));
    const beyond = gateway.request(`/c1/turns/${turn}/events?after=2`);
    expect((await beyond).status).toBe(200);
    await otherHalf(call);
    const blocks = (await response.text()).split(/(?<=\n\n)/);
    expect(withoutComments(await (await beyond).text())).toBe(blocks.slice(3).join(''));
  });

  test('take Last-Event-ID before after, and an empty one for none', async () => {
    const { turn, text } = await streamed();
    expect(await eventsOf(turn, { lastEventId: `${turn}.0`, query: '?after=3' })).toBe(
      text.slice(text.indexOf('\n\n') + 2),
    );
    const response = await gateway.request(`/c1/turns/${turn}/events`, {
      headers: { 'last-event-id': '' },
    });
    expect(withoutComments(await response.text())).toBe(text);
  });

  test.each(['?after=', '?after=x', '?after=1.5', '?after=-2', '?after=12345678901234567'])(
    '%s is no place to begin at',
    async (query) => {
      const { turn } = await streamed();
      const response = await gateway.request(`/c1/turns/${turn}/events${query}`);
      expect(response.status).toBe(400);
      expect(await errorOf(response)).toMatchObject({ code: 'invalid_field', param: 'after' });
    },
  );

  test.each(['0', 'turn_0.0', '{turn}', '{turn}.', '{turn}.x', '{turn}.-2', '{turn}0.1'])(
    'Last-Event-ID %s is no event of it',
    async (template) => {
      const { turn } = await streamed();
      const response = await gateway.request(`/c1/turns/${turn}/events`, {
        headers: { 'last-event-id': template.replace('{turn}', turn) },
      });
      expect(response.status).toBe(400);
      expect(await errorOf(response)).toMatchObject({
        code: 'invalid_field',
        param: 'last-event-id',
      });
    },
  );
});

describe('a turn that a crash ended', () => {
  test('ends with a typed error after what had come', async () => {
    const asked = holdCalls(upstream);
    const crashing = await spawnGateway({ yaml: configFor(upstream) });
    const { directory } = crashing;
    const pending = chat(crashing, { message: 'hi', stream: true });
    const call = await asked;
    await beginSse(call);
    await call.send(sse(chunk({ content: 'half ' })));
    const response = await pending;
    const { id, turn } = idsOf(response);
    const seen = await readUntil(readerOf(response), 'half ');
    await crashing.kill();

    const again = await startGateway(configFor(upstream), { directory });
    expect(await shownTurn(again, turn)).toMatchObject({
      status: 'failed',
      error_code: 'upstream_interrupted',
      text: 'half ',
      output_node: null,
    });
    const text = await eventsOf(turn, { at: again });
    expect(text).toStartWith(seen);
    const error = lastError(text);
    expect(error).toMatchObject({ code: 'upstream_interrupted', retryable: true });
    expect(framesOf(text).at(-1)?.id).toBe(`${turn}.1`);
    const rest = await eventsOf(turn, { at: again, lastEventId: `${turn}.0` });
    expect(framesOf(rest)).toHaveLength(1);
    expect(lastError(rest)).toMatchObject({ code: 'upstream_interrupted' });
    expect((await cancel(turn, again)).status).toBe(200);
    upstream.script = (next) => replySse(next, streamOf(['ok']));
    await said(again, { conversation_id: id, message: 'again' });
    await again.close();
    rmSync(directory, { recursive: true });
  });
});

describe('once the events are collected', () => {
  const pictures = [{ type: 'image_url', image_url: { url: gif(9) } }];
  const call = { index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } };
  const answers: Record<string, readonly (string | object)[]> = {
    text: streamOf(['one ', 'two']),
    'tool calls': [chunk({ tool_calls: [call] }), chunk({}, 'tool_calls'), '[DONE]'],
    'pictures and reasoning': [
      chunk({ content: 'See:', reasoning_content: 'hm', images: pictures }),
      chunk({}, 'stop'),
      '[DONE]',
    ],
  };
  test.each(Object.entries(answers))('%s come whole, in one snapshot', async (_, events) => {
    upstream.script = (asked) => replySse(asked, events);
    const key = { headers: { 'idempotency-key': crypto.randomUUID() } };
    const body = { message: 'hi' };
    const before = (await (await chat(gateway, body, key)).json()) as ReplyBody;
    await collectAll();
    const text = await eventsOf(before.turn_id, { query: '?after=1' });
    expect(text).toStartWith(`event: snapshot\nid: ${before.turn_id}.9007199254740991\n`);
    const [snapshot, done, ...more] = framesOf(text);
    expect([done?.data, more.length]).toEqual(['[DONE]', 0]);
    const { choices } = JSON.parse(snapshot?.data ?? '') as {
      choices: [{ delta: object; finish_reason: string }];
    };
    const [{ message, finish_reason }] = before.choices;
    expect(choices[0].finish_reason).toBe(finish_reason);
    expect({ refusal: null, ...choices[0].delta }).toMatchObject(message);
    // A client that has seen the snapshot has seen everything.
    const id = snapshot?.id ?? '';
    expect(await eventsOf(before.turn_id, { lastEventId: id })).toBe('data: [DONE]\n\n');
    expect(await shownTurn(gateway, before.turn_id)).toMatchObject({
      text: message.content ?? '',
    });

    // A repeated request still has its answer.
    const again = (await (await chat(gateway, body, key)).json()) as ReplyBody;
    expect(again.turn_id).toBe(before.turn_id);
    expect(again.choices).toEqual(before.choices);
  });

  test.each([
    ['upstream_interrupted', false],
    ['turn_cancelled', true],
  ])('a turn that ended with %s still ends with it', async (code, cancels) => {
    const { turn, response, call } = await halfWay(upstream, gateway);
    if (cancels) await cancel(turn);
    else call.end();
    await response.text();
    await collectAll();
    const text = await eventsOf(turn);
    expect(lastError(text)).toMatchObject({ code });
    expect(framesOf(text)).toHaveLength(1);
    expect((await shownTurn(gateway, turn)).text).toBe(cancels ? 'half ' : '');
  });

  async function collectAll(): Promise<void> {
    const path = join(gateway.directory, 'gateway.db');
    const store = await openSqliteStore({ path, durability: 'normal' });
    while ((await store.collectEvents(Date.now() + 1_000)) > 0);
    await store.close();
  }
});

function lastError(text: string): Record<string, unknown> {
  const frame: Frame | undefined = framesOf(text).at(-1);
  return (JSON.parse(frame?.data ?? '{}') as { error: Record<string, unknown> }).error;
}

interface ReplyBody {
  readonly turn_id: string;
  readonly choices: readonly [
    { readonly message: { readonly content: string | null }; readonly finish_reason: string },
  ];
}
