// A turn that goes on from the turn before: it asks the store nothing, and does not rely on that where the store says
// that something may have happened since.
import { expect, test } from 'bun:test';
import type { AcceptOutcome, AcceptTurn, ConversationStore } from '../conversations/store.ts';
import type { Deadlines } from '../domain/deadlines.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Probe } from '../observe/probe.ts';
import type { ChatEvent, Completion, Target } from '../providers/provider.ts';
import { PLAIN_ALIAS, PLAIN_TURN } from './testing/plain-turn.ts';
import type { TurnRequest } from './turn-request.ts';
import { createTurns, type TurnSetup } from './turns.ts';

const first: TurnRequest = { ...PLAIN_TURN, message: 'one' };

/** Turns over a store that knows no conversation, and notes what it is asked. */
function setUp(outcomes: AcceptOutcome[] = []) {
  const reads: string[] = [];
  const accepts: AcceptTurn[] = [];
  const prompts: string[] = [];
  let fails = false;
  const read = (name: string) => async () => {
    reads.push(name);
    return null;
  };
  const store = {
    conversation: read('conversation'),
    path: read('path'),
    turnSealing: read('turnSealing'),
    turnWithKey: read('turnWithKey'),
    cancelRequests: async () => [],
    async accept(turn: AcceptTurn) {
      accepts.push(turn);
      return outcomes.shift() ?? { outcome: 'accepted' };
    },
    start: async () => undefined,
    append: async () => true,
    finish: async () => true,
  } as unknown as ConversationStore;
  async function* answer(): AsyncGenerator<readonly ChatEvent[], void> {
    if (fails) throw new GatewayError('upstream_interrupted');
    const chunk: Completion = {
      choices: [{ index: 0, delta: { content: 'said' }, finish_reason: 'stop' }],
    };
    yield [{ kind: 'chunk', json: JSON.stringify(chunk), chunk }];
  }
  const probe = { turnFinished() {}, backgroundFailed() {} } as unknown as Probe;
  const deadlines: Deadlines = { arm: () => ({ rearm() {}, disarm() {} }) };
  const turns = createTurns({ store, probe, deadlines, clock: { now: () => 0, elapsed: () => 0 } });
  const setup: TurnSetup = {
    alias: PLAIN_ALIAS,
    router: {
      plan: (asked) => [asked.targets[0] as Target],
      contextOf: () => null,
      async open({ plan: [target], bodyFor }) {
        prompts.push(String(bodyFor(target).body));
        return { target, reply: { kind: 'stream', events: answer() } };
      },
    },
    options: { affinityMs: 1_000, orphanMs: 1_000, titles: 'message', cacheSalt: 'user' },
  };
  const observer = { onAttempt() {}, onAnswer() {}, onUsage() {} };
  async function taken(request: TurnRequest) {
    const begun = await turns.begin(request, setup, observer);
    await turns.whenIdle();
    return begun;
  }
  const failing = (value: boolean) => {
    fails = value;
  };
  return { turns, taken, reads, accepts, prompts, failing };
}

const next = (conversationId: string, more: Partial<TurnRequest> = {}): TurnRequest => ({
  ...first,
  conversationId,
  message: 'two',
  ...more,
});

test('the store is asked nothing, and told which turn it goes on from', async () => {
  const { taken, reads, accepts, prompts } = setUp();
  const { conversationId, turnId } = await taken(first);
  const second = await taken(next(conversationId, { idempotencyKey: 'key' }));
  await taken(next(conversationId, { message: 'three' }));
  expect(reads).toEqual([]);
  expect(accepts.map(({ after }) => after)).toEqual([undefined, turnId, second.turnId]);
  expect(accepts.map(({ head }) => head !== null)).toEqual([false, true, true]);
  const { messages } = JSON.parse(prompts.at(-1) ?? '') as { messages: { content: string }[] };
  expect(messages.map(({ content }) => content)).toEqual(['one', 'said', 'two', 'said', 'three']);
});

const refusals: Readonly<Record<string, (id: string) => TurnRequest>> = {
  'an outdated conversation': next,
  'another message to go on from': (id) => next(id, { parent: 'node_other' }),
  'another head than is expected': (id) => next(id, { expectedHead: 'node_other' }),
  'a conversation of somebody else': (id) => next(id, { scope: { owner: 'x', userId: null } }),
};
test.each(Object.entries(refusals))('%s is read', async (name, request) => {
  const outdated = name === 'an outdated conversation' ? [{ outcome: 'outdated' as const }] : [];
  const { taken, reads } = setUp([{ outcome: 'accepted' }, ...outdated]);
  const { conversationId } = await taken(first);
  const refused = await taken(request(conversationId)).catch((error: unknown) => error);
  // The store of this test knows none.
  expect(refused).toMatchObject({ code: 'conversation_not_found' });
  expect(reads).toEqual(['conversation']);
});

test('a conversation whose last turn failed, or that was deleted, is read', async () => {
  const { turns, taken, reads, failing } = setUp();
  const failed = await taken(first);
  failing(true);
  await taken(next(failed.conversationId));
  failing(false);
  expect(reads).toEqual([]);
  expect(await taken(next(failed.conversationId)).catch(() => 'refused')).toBe('refused');
  const deleted = await taken(first);
  turns.cancelConversation(deleted.conversationId);
  expect(await taken(next(deleted.conversationId)).catch(() => 'refused')).toBe('refused');
  expect(reads).toEqual(['conversation', 'conversation']);
});
