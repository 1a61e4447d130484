// Cancelling a turn through another gateway process on the same database: the one that runs it ends it, and what was
// seen is what is sealed, also while words come in; where that one is dead or stopped, the turn ends all the same.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import {
  chat,
  conversation,
  framesOf,
  holdCalls,
  idsOf,
  joinedText,
  readUntil,
  rows,
  said,
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
  type UpstreamCall,
} from './harness/fake-upstream.ts';
import {
  spawnGateway,
  startGateway,
  type GatewayProcess,
  type TestGateway,
} from './harness/gateway.ts';
import { halfWay, readerOf } from './harness/half-way.ts';

let upstream: FakeUpstream;
/** Asked to cancel. */
let here: TestGateway;
/** Runs the turns. */
let elsewhere: GatewayProcess;
beforeAll(async () => {
  upstream = await startFakeUpstream();
});
beforeEach(async () => {
  here = await startGateway(configFor(upstream));
  elsewhere = await spawnGateway({ yaml: configFor(upstream), directory: here.directory });
});
afterEach(async () => {
  await elsewhere.kill();
  await here.close();
});
afterAll(async () => {
  await upstream.close();
});

async function cancelledHere(turn: string): Promise<ShownTurn> {
  const response = await here.request(`/c1/turns/${turn}/cancel`, { method: 'POST' });
  expect(response.status).toBe(200);
  return (await response.json()) as ShownTurn;
}

/** Words without end, as fast as they are taken, until the socket closes. */
async function talk(call: UpstreamCall): Promise<void> {
  const closed = call.closed.then(() => true);
  for (let word = 0; ; word++) {
    await call.send(sse(chunk({ content: `${word} ` })));
    if (await Promise.race([closed, Bun.sleep(1)])) return;
  }
}

describe('a turn that another process runs, when it is cancelled', () => {
  test('in the midst of its words is sealed with all that was seen, and nothing else', async () => {
    for (let round = 0; round < 5; round++) {
      const { call, response, id, turn } = await halfWay(upstream, elsewhere);
      const talking = talk(call);
      const reader = readerOf(response);
      const start = await readUntil(reader, '"5 "');
      const shown = await cancelledHere(turn);
      expect(shown).toMatchObject({ id: turn, status: 'cancelled' });
      const seen = framesOf(start + (await readUntil(reader, '"turn_cancelled"')));
      await talking;
      const { head, messages } = await conversation(here, id);
      expect(head).toBe(shown.output_node);
      expect(messages[1]?.content).toBe(joinedText(seen));
      expect((await shownTurn(here, turn)).text).toBe(joinedText(seen));
      // Who resumes here is told the same.
      const events = await here.request(`/c1/turns/${turn}/events`);
      expect(framesOf(await events.text())).toEqual(seen);
    }
  });

  test('before the first token ends soon, and its upstream is let go', async () => {
    const asked = holdCalls(upstream);
    const pending = chat(elsewhere, { message: 'never mind' });
    const call = await asked;
    const [open] = rows<{ id: string }>(here, "SELECT id FROM turn WHERE status <> 'failed'");
    const shown = await cancelledHere(open?.id ?? '');
    expect(shown).toMatchObject({ status: 'cancelled', output_node: null });
    await call.closed;
    const response = await pending;
    expect(response.status).toBe(409);
    upstream.script = (next) => replySse(next, streamOf(['ok']));
    await said(here, { conversation_id: idsOf(response).id, message: 'something else' });
  });

  test('many times at once, in both, ends once', async () => {
    const { call, turn, id } = await halfWay(upstream, elsewhere);
    const talking = talk(call);
    const there = async () => {
      const response = await elsewhere.request(`/c1/turns/${turn}/cancel`, { method: 'POST' });
      return (await response.json()) as ShownTurn;
    };
    const all = await Promise.all([cancelledHere(turn), there(), cancelledHere(turn), there()]);
    await talking;
    for (const each of all) expect(each).toEqual(await cancelledHere(turn));
    expect((await conversation(here, id)).message_count).toBe(2);
  });

  test('while its answer ends has exactly one end', async () => {
    for (let round = 0; round < 10; round++) {
      const { call, response, turn, id } = await halfWay(upstream, elsewhere);
      const [shown] = await Promise.all([
        cancelledHere(turn),
        Bun.sleep(round * 15)
          .then(() => call.send(sse(chunk({}, 'stop')) + sse('[DONE]')))
          .then(() => call.end()),
      ]);
      const text = await response.text();
      expect(text.endsWith('data: [DONE]\n\n')).toBe(shown.status === 'completed');
      expect(await shownTurn(elsewhere, turn)).toMatchObject({ status: shown.status });
      const { head, messages } = await conversation(here, id);
      expect(head).toBe(shown.output_node);
      expect(messages[1]?.content).toBe('half ');
    }
  });

  test('after the process died is ended here, with what was seen', async () => {
    const { response, turn, id } = await halfWay(upstream, elsewhere);
    await readUntil(readerOf(response), 'half ');
    await elsewhere.kill();
    const shown = await cancelledHere(turn);
    expect(shown).toMatchObject({ status: 'cancelled' });
    const { head, messages } = await conversation(here, id);
    expect([head, messages[1]?.content]).toEqual([shown.output_node, 'half ']);
  });

  test('while the process stands still is ended here; it finds that out, and writes no more', async () => {
    const { call, response, turn, id } = await halfWay(upstream, elsewhere);
    const reader = readerOf(response);
    const start = await readUntil(reader, 'half ');
    elsewhere.process.kill('SIGSTOP');
    const shown = await cancelledHere(turn);
    expect(shown).toMatchObject({ status: 'cancelled' });
    await call.send(sse(chunk({ content: 'too late' })));
    elsewhere.process.kill('SIGCONT');
    const seen = framesOf(start + (await readUntil(reader, '"turn_cancelled"')));
    expect(joinedText(seen)).toBe('half ');
    await call.closed;
    const { messages } = await conversation(here, id);
    expect(messages.map(({ content }) => content)).toEqual(['hi', 'half ']);
    expect(await shownTurn(elsewhere, turn)).toMatchObject({ status: 'cancelled', text: 'half ' });
  });
});
