// GET /c1/turns/{id}: what is known of a turn, while it runs and ever after, and who may know it.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { chat, conversation, errorOf, idsOf, readUntil, shownTurn } from './harness/c1.ts';
import {
  configFor,
  replySse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';
import { halfWay, readerOf } from './harness/half-way.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
/** Another token over the same database. */
let foreign: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream));
  foreign = await startGateway(configFor(upstream), {
    directory: gateway.directory,
    bearer: 'somebody-else',
  });
});
beforeEach(() => {
  upstream.script = (call) => replySse(call, streamOf(['one ', 'two ', 'three']));
});
afterAll(async () => {
  await foreign.close();
  await gateway.close();
  await upstream.close();
});

/** A whole streamed turn. */
async function streamed(body: object = {}): Promise<{ id: string; turn: string }> {
  const response = await chat(gateway, { message: 'hi', stream: true, ...body });
  await response.text();
  return idsOf(response);
}

describe('GET /c1/turns/{id}', () => {
  test('shows a completed turn in all its fields', async () => {
    const { id, turn } = await streamed();
    const { messages } = await conversation(gateway, id);
    const shown = await shownTurn(gateway, turn);
    const aTime = expect.any(Number) as number;
    expect(shown).toEqual({
      id: turn,
      object: 'turn',
      conversation_id: id,
      status: 'completed',
      parent: null,
      input_node: messages[0]?.id,
      output_node: messages[1]?.id as string,
      upstream: 'fake',
      upstream_model: 'fake-model',
      finish_reason: 'stop',
      error_code: null,
      usage: {
        prompt_tokens: 7,
        completion_tokens: 3,
        cached_tokens: null,
        expected_cached_tokens: 0,
        prefix_break: null,
      },
      ttft_ms: aTime,
      duration_ms: aTime,
      created_at: aTime,
      started_at: aTime,
      ended_at: aTime,
      text: 'one two three',
    });
    const now = Date.now() / 1000;
    expect(Math.abs(Number(shown['created_at']) - now)).toBeLessThan(10);
    expect(shown['ended_at']).toBeGreaterThanOrEqual(Number(shown['created_at']));
    const next = await streamed({ conversation_id: id });
    expect(await shownTurn(gateway, next.turn)).toMatchObject({ parent: messages[1]?.id });
  });

  test('shows a running one as far as it has come, and the text of a failed one', async () => {
    const { turn, call, response } = await halfWay(upstream, gateway);
    await readUntil(readerOf(response), 'half ');
    const open = { text: 'half ', output_node: null, ended_at: null, finish_reason: null };
    expect(await shownTurn(gateway, turn)).toMatchObject({ ...open, status: 'streaming' });
    call.reset();
    await gateway.logged('turn finished', turn, 'failed');
    expect(await shownTurn(gateway, turn)).toMatchObject({
      status: 'failed',
      error_code: 'upstream_interrupted',
      text: 'half ',
      output_node: null,
    });
  });

  test('and its other routes know nothing of unknown and foreign turns', async () => {
    const { turn } = await streamed({ user_id: 'ann' });
    expect(await shownTurn(gateway, turn, '?user_id=ann')).toMatchObject({ status: 'completed' });
    const attempts: [TestGateway, string, string][] = [
      [gateway, 'turn_00000000000000000000000000000000', ''],
      [gateway, turn, ''],
      [gateway, turn, '?user_id=bob'],
      [foreign, turn, '?user_id=ann'],
    ];
    for (const [at, id, query] of attempts) {
      for (const [path, method] of [
        [id, 'GET'],
        [`${id}/events`, 'GET'],
        [`${id}/cancel`, 'POST'],
      ]) {
        const response = await at.request(`/c1/turns/${path}${query}`, { method: method ?? '' });
        expect(response.status).toBe(404);
        expect(await errorOf(response)).toMatchObject({
          code: 'turn_not_found',
          param: 'turn_id',
        });
      }
    }
  });
});
