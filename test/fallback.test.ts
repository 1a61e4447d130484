// Several targets behind one alias: who is asked after whom, up to which point, and what the client sees of it.
import { afterEach, describe, expect, test } from 'bun:test';
import { chat } from './harness/c1.ts';
import { answers, ask, createChains, refuses, turn } from './harness/chain.ts';
import {
  beginSse,
  chunk,
  replyJson,
  replySse,
  sse,
  type UpstreamCall,
  type UpstreamScript,
} from './harness/fake-upstream.ts';
import { errorIn, eventsIn } from './harness/v1.ts';

const { chainOf, closeAll } = createChains();
afterEach(closeAll);

const FAULTS: Readonly<Record<string, UpstreamScript>> = {
  'closes the connection': (call) => call.end(),
  'resets the connection': (call) => call.reset(),
  'answers 500': refuses(500),
  'answers 503': refuses(503),
  'answers 529': refuses(529),
  'answers 429 and wants a minute': refuses(429, { 'retry-after': '60' }),
  'answers 408': refuses(408),
  'answers 409': refuses(409),
  'answers 425': refuses(425),
  'refuses our key with 401': refuses(401),
  'wants money with 402': refuses(402),
  'refuses our key with 403': refuses(403),
  'has no such model': refuses(404),
  'redirects elsewhere': refuses(302),
  'sends a page': (call) =>
    replyJson(call, '<html>busy</html>', { headers: { 'content-type': 'text/html' } }),
  'sends an empty body': (call) => replyJson(call, ''),
  'sends half a JSON': (call) => replyJson(call, '{"choices":['),
  'is silent': () => undefined,
};

/** Faults of a stream after its head and a role chunk: nothing that anybody has seen. */
const EARLY_STREAM_FAULTS: Readonly<Record<string, (call: UpstreamCall) => void | Promise<void>>> =
  {
    'ends the stream': (call) => call.end(),
    'resets the connection': (call) => call.reset(),
    'sends an error event': (call) => call.send(sse({ error: { message: 'engine died' } })),
    'says that it is done': (call) => call.send(sse('[DONE]')),
    'sends malformed JSON': (call) => call.send(sse('{"choices":[')),
    'falls silent': () => undefined,
  };

describe('when the first target', () => {
  for (const [fault, script] of Object.entries(FAULTS)) {
    test(`${fault}, the second answers, on both APIs, stream or not, and the reply says who`, async () => {
      const chain = await chainOf([script, answers('two')], {
        upstream: 'timeouts: { first_byte_ms: 100 }',
      });
      for (const stream of [false, true]) {
        for (const reply of [
          await ask(chain, { stream }),
          await chat(chain.gateway, { model: 'chain', message: 'hi', stream }),
        ]) {
          expect(reply.status).toBe(200);
          expect(reply.headers.get('x-gateway-upstream')).toBe('two');
          expect(await reply.text()).toContain('"content":"two"');
        }
      }
      expect(chain.gateway.logText()).toContain('"upstream":"one","upstream_model":"model-1"');
    });
  }

  for (const [fault, then] of Object.entries(EARLY_STREAM_FAULTS)) {
    test(`${fault} before its first visible token, nothing of it is seen and the second answers`, async () => {
      const chain = await chainOf(
        [
          async (call) => {
            await beginSse(call);
            await call.send(': PROCESSING\n\n');
            await call.send(sse(chunk({ role: 'assistant', content: '' }, null, { id: 'first' })));
            await then(call);
          },
          answers('two'),
        ],
        { upstream: 'timeouts: { idle_ms: 100 }' },
      );
      for (const reply of [
        await ask(chain, { stream: true }),
        await chat(chain.gateway, { model: 'chain', message: 'hi', stream: true }),
      ]) {
        const text = await reply.text();
        expect(reply.headers.get('x-gateway-upstream')).toBe('two');
        expect(text).toContain('"content":"two"');
        expect(text).toContain('[DONE]');
        expect(text).not.toMatch(/PROCESSING|"id":"first"/);
      }
    });

    test(`${fault} after its first visible token, nobody else speaks`, async () => {
      const chain = await chainOf(
        [
          async (call) => {
            await beginSse(call);
            await call.send(sse(chunk({ role: 'assistant', content: 'Half' })));
            await then(call);
          },
          answers('two'),
        ],
        { upstream: 'timeouts: { idle_ms: 100 }' },
      );
      const text = await (await ask(chain, { stream: true })).text();
      expect(text).toContain('Half');
      expect(text).not.toContain('two');
      expect(text).not.toContain('[DONE]');
      expect(errorIn(eventsIn(text).at(-1) ?? '').code).toMatch(/^upstream_/);
      expect(chain.counts()).toEqual([1, 0]);
    });
  }

  test('refuses what the client asked for, nobody else is asked', async () => {
    for (const status of [400, 413, 422]) {
      const chain = await chainOf([refuses(status), answers('two')]);
      const reply = await ask(chain);
      expect(reply.status).toBe(status);
      expect(errorIn(await reply.text()).code).toBe('upstream_rejected');
      expect(chain.counts()).toEqual([1, 0]);
    }
  });

  test('says reasoning or calls a tool, that is the commit point as well', async () => {
    for (const delta of [
      { reasoning_content: 'Hm' },
      { reasoning: 'Hm' },
      { tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '' } }] },
      { unheard_of: 'x' },
    ]) {
      const chain = await chainOf([(call) => replySse(call, [chunk(delta)]), answers('two')]);
      const text = await (await ask(chain, { stream: true })).text();
      expect(errorIn(eventsIn(text).at(-1) ?? '').code).toBe('upstream_interrupted');
      expect(chain.counts()).toEqual([1, 0]);
    }
  });
});

describe('when every target fails', () => {
  test('in the same way, that is the error, with the shortest time to wait', async () => {
    const chain = await chainOf([
      refuses(429, { 'retry-after': '30' }),
      refuses(429, { 'retry-after': '20' }),
    ]);
    const reply = await ask(chain);
    expect([reply.status, reply.headers.get('retry-after')]).toEqual([429, '20']);
    const error = errorIn(await reply.text());
    expect(error.code).toBe('upstream_rate_limited');
    expect(error.message).toStartWith('All 2 targets failed.');
  });

  test('in different ways, it is upstream_unavailable, and tells the reason of each', async () => {
    const chain = await chainOf([refuses(401), refuses(429, { 'retry-after': '20' })]);
    const reply = await ask(chain);
    expect(reply.status).toBe(503);
    const { code, message, retryable } = errorIn(await reply.text());
    expect([code, retryable]).toEqual(['upstream_unavailable', true]);
    expect(message).toContain('[one, model-1: upstream_auth_failed]');
    expect(message).toContain('[two, model-2: upstream_rate_limited]');
  });

  test('for want of a valid key, it is a 502 that says so, never a 401', async () => {
    const chain = await chainOf([refuses(401), refuses(404)]);
    const reply = await ask(chain);
    expect(reply.status).toBe(502);
    expect(errorIn(await reply.text()).code).toBe('upstream_auth_failed');
  });

  test('once, the one whom another try may cure is asked again', async () => {
    let times = 0;
    const chain = await chainOf([
      refuses(401),
      (call) => (++times === 1 ? refuses(503)(call) : answers('two')(call)),
    ]);
    const reply = await ask(chain);
    expect([reply.status, reply.headers.get('x-gateway-attempts')]).toEqual([200, '3']);
    expect(chain.counts()).toEqual([1, 2]);
  });

  test('and no retries are wanted, none is made', async () => {
    const chain = await chainOf([refuses(503)], { rest: 'routing: { retries: 0 }' });
    expect((await ask(chain)).status).toBe(503);
    expect(chain.counts()).toEqual([1]);
  });

  test('a turn of /c1 fails once, and its conversation goes on', async () => {
    const chain = await chainOf([refuses(401), refuses(404)]);
    const failed = await chat(chain.gateway, { model: 'chain', message: 'hi' });
    expect(failed.status).toBe(502);
    const conversation_id = failed.headers.get('x-conversation-id') ?? '';
    for (const upstream of chain.upstreams) upstream.script = answers('back');
    const reply = await turn(chain, { conversation_id, message: 'again' });
    expect(reply.content).toBe('back');
  });
});

describe('a target that keeps failing', () => {
  test('is asked no more while another one answers, is tried again after a while, and that is logged', async () => {
    const chain = await chainOf([refuses(500), answers('two')]);
    for (let n = 0; n < 8; n++) expect((await ask(chain)).status).toBe(200);
    expect(chain.counts()).toEqual([3, 8]);
    await chain.gateway.logged('target is left alone', '"upstream":"one"');
    const metrics = await (await chain.gateway.request('/metrics')).text();
    expect(metrics).toContain(
      'gateway_failed_attempts_total{upstream="one",code="upstream_unavailable"} 3',
    );
    expect(metrics).toContain('gateway_open_circuits{upstream="one"} 1');
    const info = await (await chain.gateway.request('/v1/info')).json();
    expect(info).toMatchObject({
      models: [{ backends: [{ circuit: 'open', running: 0, waiting: 0 }, { circuit: 'closed' }] }],
    });
    const [one] = chain.upstreams;
    if (one) one.script = answers('one');
    let by: string | null = 'two';
    while (by === 'two') by = (await ask(chain)).headers.get('x-gateway-upstream');
    expect(by).toBe('one');
    await chain.gateway.logged('target answers again', '"upstream":"one"');
  });

  test('is not the one who is asked once more while that of another is closed', async () => {
    const chain = await chainOf([refuses(429, { 'retry-after': '30' }), answers('two')]);
    await ask(chain);
    const [one, two] = chain.upstreams;
    if (!one || !two) throw new Error('there are two');
    one.script = refuses(503);
    for (let n = 0; n < 6; n++) {
      two.script = (call) => {
        two.script = answers('two');
        return refuses(503)(call);
      };
      const reply = await ask(chain);
      expect([reply.status, reply.headers.get('x-gateway-upstream')]).toEqual([200, 'two']);
    }
  });

  test('is asked all the same where there is nobody else', async () => {
    const chain = await chainOf([refuses(401)]);
    for (let n = 0; n < 5; n++) expect((await ask(chain)).status).toBe(502);
    const [one] = chain.upstreams;
    if (one) one.script = answers('one');
    expect((await ask(chain)).status).toBe(200);
  });
});
