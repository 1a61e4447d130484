// The ledger's promises by property, through two gateways on one database: random moments of repeating, resuming,
// cancelling and leaving, and in short form the crash run (npm run test:crash).
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { killMany } from './crash/kill-many.ts';
import { chat, conversation, errorOf, rows, said, sentMember } from './harness/c1.ts';
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

test('of sixteen gateways that are killed none loses what it acknowledged', async () => {
  const seed = Date.now() % 1_000_000;
  const { faults, counts } = await killMany({ kills: 16, seed, lanes: 2, clients: 5 });
  expect({ seed, faults }).toEqual({ seed, faults: [] });
  expect(counts.kills).toBe(16);
  expect(counts.completed).toBeGreaterThan(0);
}, 60_000);

describe('two gateways on one database:', () => {
  let upstream: FakeUpstream;
  let first: TestGateway;
  let second: TestGateway;
  beforeAll(async () => {
    upstream = await startFakeUpstream();
    const yaml = configFor(upstream, 'storage: { durability: normal }');
    first = await startGateway(yaml);
    second = await startGateway(yaml, { directory: first.directory });
  });
  afterAll(async () => {
    await second.close();
    await first.close();
    await upstream.close();
  });

  const which = fc.constantFrom(0, 1);
  const gatewayAt = (number: number) => (number === 0 ? first : second);
  const DONE = 'data: [DONE]\n\n';
  const textOf = async (response: Response) => (await response.text()).replaceAll(': ping\n\n', '');

  /** What the upstream says, one event at a time: `onSaid` is told after each, and the next waits for it. */
  function speak(events: readonly (string | object)[], onSaid: (count: number) => unknown): void {
    upstream.script = async (call) => {
      await onSaid(0);
      await beginSse(call);
      for (const [at, event] of events.entries()) {
        await call.send(sse(event));
        await onSaid(at + 1);
      }
      call.end();
    };
  }

  test('a conversation has one active turn, whoever asks it when and through which gateway', async () => {
    const post = fc.record({ via: which, to: which, after: fc.nat(5), stream: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(post, { minLength: 2, maxLength: 10 }), async (posts) => {
        const running = new Map<string, number>();
        upstream.script = async (call) => {
          const to = sentMember(call, 'x_to') ?? '';
          running.set(to, (running.get(to) ?? 0) + 1);
          expect(running.get(to)).toBe(1);
          await beginSse(call);
          await call.send(sse(chunk({ content: `re: ` })));
          await call.send(sse(chunk({ content: sentMember(call, 'x_number') ?? '' })));
          running.set(to, 0);
          await call.send(sse(chunk({}, 'stop')) + sse('[DONE]'));
          call.end();
        };
        const ids: string[] = [];
        for (const x_to of ['open 0', 'open 1'])
          ids.push((await said(first, { message: 'hi', x_to, x_number: 0 })).conversation_id);
        const taken: number[][] = [[], []];
        await Promise.all(
          posts.map(async ({ via, to, after, stream }, index) => {
            for (let turn = 0; turn < after; turn++) await new Promise(setImmediate);
            const x_number = index + 1;
            const body = {
              conversation_id: ids[to],
              message: `${x_number}`,
              stream,
              x_to: to,
              x_number,
            };
            const response = await chat(gatewayAt(via), body);
            if (response.status !== 200) {
              expect(response.status).toBe(409);
              expect(['conversation_busy', 'head_moved']).toContain((await errorOf(response)).code);
              return;
            }
            expect(await response.text()).toContain(stream ? DONE : `re: ${x_number}`);
            taken[to]?.push(x_number);
          }),
        );
        for (const [to, numbers] of taken.entries()) {
          const { messages } = await conversation(second, ids[to] ?? '');
          const said = messages.slice(2).map(({ content }) => content as string);
          const stored = said.filter((_, at) => at % 2 === 0).map(Number);
          expect(new Set(stored)).toEqual(new Set(numbers));
          expect(said).toEqual(stored.flatMap((number) => [`${number}`, `re: ${number}`]));
        }
      }),
      { numRuns: 25 },
    );
  }, 30_000);

  test('equal requests with one key are one turn, one upstream call and the same bytes for all', async () => {
    const caller = fc.record({ via: which, at: fc.nat(7) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(caller, { minLength: 2, maxLength: 8 }),
        fc.boolean(),
        fc.constantFrom(['[DONE]'], []),
        async (callers, stream, end) => {
          const key = crypto.randomUUID();
          const body = { message: 'once', stream };
          const replies: Promise<[number, string, string | null]>[] = [];
          const call = async (via: number): Promise<[number, string, string | null]> => {
            const init = { headers: { 'idempotency-key': key } };
            const response = await chat(gatewayAt(via), body, init);
            return [response.status, await response.text(), response.headers.get('x-turn-id')];
          };
          const due = (moment: number) => {
            for (const { via, at } of callers) if (at === moment) replies.push(call(via));
          };
          const words = ['a', 'b', '', 'c'].map((content) => chunk({ content }));
          const finish = end.length > 0 ? [chunk({}, 'stop'), ...end] : [];
          speak([...words, ...finish], (count) => due(count + 1));
          const asked = upstream.calls.length;
          replies.push(call(0));
          due(0);
          const [one] = await Promise.all(replies);
          replies.push(call(1), call(0));
          for (const reply of await Promise.all(replies))
            expect(reply).toEqual(one as typeof reply);
          expect(upstream.calls.length).toBe(asked + 1);
          expect(rows(first, `SELECT 1 FROM turn WHERE idempotency_key = '${key}'`)).toHaveLength(
            1,
          );
        },
      ),
      { numRuns: 12 },
    );
  }, 30_000);

  test('what was seen and what resuming brings are the uninterrupted stream, for every cut', async () => {
    const cut = fc.record({ via: which, byHeader: fc.boolean() });
    const endings = fc.constantFrom('done', 'cut', 'cancelled');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('word', '', '\n\n', 'id: 7'), { maxLength: 5 }),
        endings,
        fc.array(cut, { minLength: 9, maxLength: 9 }),
        async (more, ending, ways) => {
          // Headers come with the first visible word.
          const words = ['first', ...more];
          const resumed: { after: number; text: Promise<string> }[] = [];
          let turn = '';
          const resume = (after: number) => {
            const { via, byHeader } = ways[after + 1] ?? { via: 0, byHeader: true };
            const url = `/c1/turns/${turn}/events`;
            const response = byHeader
              ? gatewayAt(via).request(url, { headers: { 'last-event-id': `${turn}.${after}` } })
              : gatewayAt(via).request(`${url}?after=${after}`);
            resumed.push({ after, text: response.then(textOf) });
          };
          const opened = Promise.withResolvers<string>();
          const finish = ending === 'done' ? [chunk({}, 'stop'), '[DONE]'] : [];
          const events = [...words.map((content) => chunk({ content })), ...finish];
          speak(events, async (count) => {
            if (count === 0) return;
            turn = await opened.promise;
            // Also ones that are not there yet: they wait for what follows.
            if (count <= words.length)
              for (let after = -1; after < count; after += 2) resume(after);
            if (ending !== 'cancelled' || count < events.length) return;
            await first.request(`/c1/turns/${turn}/cancel`, { method: 'POST' });
          });
          const response = await chat(first, { message: 'go', stream: true });
          opened.resolve(response.headers.get('x-turn-id') ?? '');
          const whole = await textOf(response);
          const blocks = whole.split(/(?<=\n\n)/);
          expect(blocks.at(-1)).toMatch(ending === 'done' ? /\[DONE\]/ : /"error"/);
          for (let after = -1; after < blocks.length - 1; after++) resume(after);
          // A cancelled turn may end before the event that somebody claims to have seen.
          const cuts = resumed.filter(({ after }) => after < blocks.length - 1);
          for (const { after, text } of cuts)
            expect(blocks.slice(0, after + 1).join('') + (await text)).toBe(whole);
          // The end is said again to whoever has seen it.
          resume(blocks.length - (ending === 'done' ? 2 : 1));
          expect(await resumed.at(-1)?.text).toBe(blocks.at(-1) ?? '');
        },
      ),
      { numRuns: 12 },
    );
  }, 30_000);

  test('cancelling, leaving and completing race to one end, and nothing comes after it', async () => {
    const act = fc.record({ what: fc.constantFrom('cancel', 'leave'), via: which, at: fc.nat(5) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(act, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async (acts, staysBehind) => {
          const client = new AbortController();
          const opened = Promise.withResolvers<{ id: string; turn: string }>();
          const ends: Promise<{ status: string; events: number }>[] = [];
          const eventsOf = (turn: string) =>
            rows(first, `SELECT 1 FROM turn_event WHERE turn = '${turn}'`).length;
          const cancel = async (via: number) => {
            const { turn } = await opened.promise;
            const url = `/c1/turns/${turn}/cancel`;
            const response = await gatewayAt(via).request(url, { method: 'POST' });
            const { status } = (await response.json()) as { status: string };
            return { status, events: eventsOf(turn) };
          };
          const words = ['a ', 'b ', 'c '].map((content) => chunk({ content }));
          speak([...words, chunk({}, 'stop'), '[DONE]'], async (count) => {
            // The first word opens the reply; without it there is nothing yet to cancel by name.
            if (count > 0) await opened.promise;
            for (const { what, via, at } of acts) {
              if (at !== count) continue;
              if (what === 'cancel') ends.push(cancel(via));
              else if (count > 0) client.abort();
            }
            await new Promise(setImmediate);
          });
          const body = {
            message: 'go',
            stream: true,
            on_disconnect: staysBehind ? 'continue' : 'cancel',
          };
          const response = await chat(first, body, { signal: client.signal });
          const turn = response.headers.get('x-turn-id') ?? '';
          const id = response.headers.get('x-conversation-id') ?? '';
          opened.resolve({ id, turn });
          const text = await response.text().catch(() => null);
          await first.logged('turn finished', turn);
          const shown = (await (await second.request(`/c1/turns/${turn}`)).json()) as {
            status: string;
            text: string;
          };
          const told = await Promise.all(ends);
          for (const { status } of told) expect(status).toBe(shown.status);
          expect(['completed', 'cancelled']).toContain(shown.status);
          if (text !== null) expect(text.endsWith(DONE)).toBe(shown.status === 'completed');
          for (const { events } of told) expect(eventsOf(turn)).toBe(events);
          const { messages } = await conversation(second, id);
          if (messages.length > 0) expect(messages[1]?.content).toBe(shown.text);
          if (shown.status === 'completed') expect(shown.text).toBe('a b c ');
          upstream.script = (call) => replySse(call, streamOf(['ok']));
          await said(second, { conversation_id: id, message: 'and on' });
        },
      ),
      { numRuns: 25 },
    );
  }, 30_000);

  test('a turn that the other gateway cancels says nothing after its end', async () => {
    const ended = Promise.withResolvers<void>();
    speak(
      [chunk({ content: 'a' }), chunk({ content: 'b' }), chunk({}, 'stop'), '[DONE]'],
      (count) => (count === 1 ? ended.promise : undefined),
    );
    const response = await chat(first, { message: 'go', stream: true });
    const turn = response.headers.get('x-turn-id') ?? '';
    await second.request(`/c1/turns/${turn}/cancel`, { method: 'POST' });
    const events = () =>
      rows<{ payload: string }>(
        first,
        `SELECT payload FROM turn_event WHERE turn = '${turn}' ORDER BY seq`,
      ).map(({ payload }) => payload);
    const atTheEnd = events();
    expect(atTheEnd).toEqual([expect.stringContaining('"a"'), expect.stringContaining('"error"')]);
    ended.resolve();
    await response.text();
    expect(events()).toEqual(atTheEnd);
  });
});
