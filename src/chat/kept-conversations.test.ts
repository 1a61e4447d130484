// What is kept of conversations has a ceiling, and is shown to nobody else.
import { expect, test } from 'bun:test';
import { sealNode } from '../conversations/node.ts';
import { keepConversations, type KeptConversation } from './kept-conversations.ts';

const scope = { owner: 'o', userId: 'eve' };

function keptOf(id: string, chars = 1_000): KeptConversation {
  const profile = { model: 'm', system: null, tools: null, toolChoice: null, responseFormat: null };
  const epoch = { id: 'epoch_1', ordinal: 0, profile, reason: 'first' as const };
  const wire = '{"role":"assistant","content":"A."}';
  const message = { role: 'assistant' as const, wire, extra: null, text: 'A.', blobs: [] };
  const head = sealNode(null, { ...message, createdAt: 0 });
  const text = 'x'.repeat(chars);
  return {
    scope,
    conversation: { id, head: head.id, epoch },
    head,
    before: {
      usage: { promptTokens: null, completionTokens: null, cachedTokens: null },
      upstream: 'up',
      upstreamModel: 'm',
      epochId: epoch.id,
      outputNode: head.id,
      endedAt: 0,
    },
    turnId: `turn_${id}`,
    prompt: {
      profile,
      history: null,
      text,
      bytes: Buffer.from(text),
      open: [head],
      guessedTokens: chars / 4,
    },
  };
}

test('the newest stay, and of those that were replaced nothing counts', () => {
  const kept = keepConversations(100_000);
  for (let turn = 0; turn < 100; turn++) kept.keep(keptOf('first'));
  expect(kept.find(scope, 'first')).not.toBeNull();
  for (let id = 0; id < 100; id++) kept.keep(keptOf(`c${id}`));
  expect(kept.find(scope, 'first')).toBeNull();
  expect(kept.find(scope, 'c0')).toBeNull();
  expect(kept.find(scope, 'c99')).not.toBeNull();
  kept.clear();
  expect(kept.find(scope, 'c99')).toBeNull();
  for (let id = 0; id < 100; id++) kept.keep(keptOf(`c${id}`));
  expect(kept.find(scope, 'c0')).toBeNull();
  expect(kept.find(scope, 'c99')).not.toBeNull();
});

test('one that would drive out the others is not kept, and no more is it as it was', () => {
  const kept = keepConversations(100_000);
  kept.keep(keptOf('small'));
  kept.keep(keptOf('large'));
  kept.keep(keptOf('large', 50_000));
  expect(kept.find(scope, 'large')).toBeNull();
  expect(kept.find(scope, 'small')).not.toBeNull();
});

test('another owner, or another user of the same, is shown none', () => {
  const kept = keepConversations();
  kept.keep(keptOf('c'));
  for (const other of [
    { owner: 'x', userId: 'eve' },
    { owner: 'o', userId: null },
  ])
    expect(kept.find(other, 'c')).toBeNull();
  kept.forget('c');
  expect(kept.find(scope, 'c')).toBeNull();
});
