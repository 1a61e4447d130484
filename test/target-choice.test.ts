// Which of several targets is asked: the one that holds a conversation's cache, a replica by its key, one with room, two
// at once where one is silent, one whose window is large enough.
import { afterEach, describe, expect, test } from 'bun:test';
import { chat } from './harness/c1.ts';
import { answers, ask, createChains, refuses, turn } from './harness/chain.ts';
import {
  beginSse,
  chunk,
  completion,
  replyJson,
  sse,
  type UpstreamCall,
} from './harness/fake-upstream.ts';
import { errorIn, USER } from './harness/v1.ts';

const { chainOf, closeAll } = createChains();
afterEach(closeAll);

describe('a conversation', () => {
  test('stays with the target that has its prompt in the cache', async () => {
    const chain = await chainOf([refuses(404), answers('two')]);
    const first = await turn(chain, { message: 'hi' });
    const [one] = chain.upstreams;
    if (one) one.script = answers('one');
    const { conversation_id } = first;
    const second = await turn(chain, { conversation_id, message: 'on' });
    expect(second.content).toBe('two');
    // Another one has no cache to lose.
    while ((await turn(chain, { message: 'new' })).content !== 'one');
    const third = await turn(chain, { conversation_id, message: 'on' });
    expect(third.content).toBe('two');
  });

  test('leaves it when it fails, and is answered by another', async () => {
    const chain = await chainOf([answers('one'), answers('two')]);
    const { conversation_id } = await turn(chain, { message: 'hi' });
    const [one] = chain.upstreams;
    if (one) one.script = refuses(503);
    const second = await turn(chain, { conversation_id, message: 'on' });
    expect(second.content).toBe('two');
  });

  test('has one replica of several equal ones, and new ones are spread', async () => {
    const chain = await chainOf([answers('one'), answers('two'), answers('three')], {
      target: 'weight: 1',
    });
    for (let n = 0; n < 24; n++) {
      const first = await turn(chain, { message: 'hi' });
      const { conversation_id } = first;
      for (let again = 0; again < 2; again++) {
        const next = await turn(chain, { conversation_id, message: 'on' });
        expect(next.content).toBe(first.content);
      }
    }
    for (const count of chain.counts()) expect(count).toBeGreaterThan(3);
  });
});

describe('a request of /v1', () => {
  test('goes to the replica that its key names, and other keys are spread', async () => {
    const chain = await chainOf([answers('one'), answers('two'), answers('three')], {
      target: 'weight: 1',
    });
    const askedWith = async (key: string) => {
      const response = await ask(chain, { prompt_cache_key: key });
      expect(response.status).toBe(200);
      await response.text();
      return response.headers.get('x-gateway-upstream');
    };
    for (let n = 0; n < 24; n++)
      expect(await askedWith(`key ${n}`)).toBe(await askedWith(`key ${n}`));
    for (const count of chain.counts()) expect(count).toBeGreaterThan(3);
  });
});

describe('an upstream with a limit', () => {
  const limit = { upstream: 'max_concurrent: 1, max_queued: 1' };

  test('that has its fill is passed over for one with room', async () => {
    const held = Promise.withResolvers<UpstreamCall>();
    const chain = await chainOf([held.resolve, answers('two')], limit);
    const running = ask(chain);
    const call = await held.promise;
    expect((await ask(chain)).headers.get('x-gateway-upstream')).toBe('two');
    await replyJson(call, completion('one'));
    expect((await running).headers.get('x-gateway-upstream')).toBe('one');
  });

  test('that is the only one has the next request wait, and the one after that come back later', async () => {
    const calls: UpstreamCall[] = [];
    const chain = await chainOf([(call) => void calls.push(call)], limit);
    const [one] = chain.upstreams;
    const requests = [ask(chain), ask(chain), ask(chain)];
    const refused = await Promise.race(requests);
    expect(refused.status).toBe(429);
    expect(errorIn(await refused.text()).code).toBe('too_many_streams');
    expect(refused.headers.get('retry-after')).toBe('1');
    for (let n = 0; n < 2; n++) {
      const call = await one?.nextCall();
      if (call) await replyJson(call, completion('ok'));
    }
    const statuses = (await Promise.all(requests)).map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 200, 429]);
  });

  test('gives its slot back however a request ends', async () => {
    const chain = await chainOf([answers('ok')], { upstream: 'max_concurrent: 1, max_queued: 0' });
    const [one] = chain.upstreams;
    for (const script of [refuses(400), answers('x'), (call: UpstreamCall) => call.reset()]) {
      if (one) one.script = script;
      for (const stream of [true, false]) await (await ask(chain, { stream })).text();
      const body = { model: 'chain', message: 'hi', stream: true };
      await (await chat(chain.gateway, body)).text();
    }
    const leaving = new AbortController();
    if (one)
      one.script = async (call) => {
        await beginSse(call);
        await call.send(sse(chunk({ content: 'on and on' })));
      };
    const reply = await chain.gateway.request('/v1/chat/completions', {
      body: { model: 'chain', messages: [USER], stream: true },
      signal: leaving.signal,
    });
    leaving.abort();
    expect(reply.status).toBe(200);
    await one?.calls.at(-1)?.closed;
    if (one) one.script = answers('ok');
    expect((await ask(chain)).status).toBe(200);
  });
});

describe('with hedging', () => {
  const hedged = { model: 'hedge_ms: 60' };

  test('a silent target is overtaken by the next, and its connection closes', async () => {
    const chain = await chainOf([() => undefined, answers('two')], hedged);
    for (const stream of [false, true]) {
      const reply = await ask(chain, { stream });
      expect(await reply.text()).toContain('"content":"two"');
      expect(reply.headers.get('x-gateway-upstream')).toBe('two');
      await chain.upstreams[0]?.calls.at(-1)?.closed;
    }
  });

  test('a target that answers in time is the only one asked', async () => {
    const chain = await chainOf([answers('one'), answers('two')], hedged);
    expect((await ask(chain)).headers.get('x-gateway-upstream')).toBe('one');
    expect(chain.counts()).toEqual([1, 0]);
  });

  test('the first one still wins if it speaks first, and the other is let go', async () => {
    const held = Promise.withResolvers<UpstreamCall>();
    const other = Promise.withResolvers<UpstreamCall>();
    const chain = await chainOf([held.resolve, other.resolve], hedged);
    const pending = ask(chain);
    const late = await other.promise;
    await replyJson(await held.promise, completion('one'));
    const reply = await pending;
    expect(reply.headers.get('x-gateway-upstream')).toBe('one');
    await late.closed;
  });

  test('two that fail are followed by a third', async () => {
    const chain = await chainOf([() => undefined, refuses(500), answers('three')], {
      model: 'hedge_ms: 60',
      upstream: 'timeouts: { first_byte_ms: 200 }',
    });
    expect(await (await ask(chain)).text()).toContain('three');
  });
});

test('a prompt that is too long for the first target goes to one that takes more, and only to such a one', async () => {
  const chain = await chainOf([answers('one'), answers('two')], {
    rest: 'health: { probe_interval_ms: 20 }',
  });
  const [one, two] = chain.upstreams;
  if (!one || !two) throw new Error('two upstreams');
  one.script = (call) =>
    replyJson(
      call,
      { error: { message: "exceeds the model's maximum context length" } },
      { status: 400 },
    );
  two.script = answers('two');
  expect((await ask(chain)).status).toBe(400);
  expect(chain.counts()).toEqual([1, 0]);
  one.models = [{ id: 'model-1', max_model_len: 4096 }];
  two.models = [{ id: 'model-2', max_model_len: 131_072 }];
  let status = 400;
  while (status === 400) ({ status } = await ask(chain));
  expect(status).toBe(200);
});
