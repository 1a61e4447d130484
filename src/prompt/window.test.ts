// The cut that keeps a conversation inside its model's window: rare, deep enough, and between turns.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { sealNode } from '../conversations/node.ts';
import type { ConversationNode } from '../conversations/conversation.ts';
import type { Role } from '../domain/message.ts';
import { windowFor, type WindowFacts } from './window.ts';

/** Messages of about so many tokens each. */
function chain(...messages: readonly (readonly [Role, number])[]): ConversationNode[] {
  let parent: ConversationNode | null = null;
  return messages.map(([role, tokens]) => {
    const wire = 'x'.repeat(tokens * 3.5);
    const node = { role, wire, extra: null, text: '', blobs: [], createdAt: 0 };
    return (parent = sealNode(parent, node));
  });
}

/** `count` turns of question and answer, and one more question. */
const turns = (count: number, tokens = 50) =>
  chain(
    ...Array.from(
      { length: count * 2 },
      (_, at) => [at % 2 ? 'assistant' : 'user', tokens] as const,
    ),
    ['user', tokens],
  );

const facts = (contextTokens: number | null, more: Partial<WindowFacts> = {}): WindowFacts => ({
  contextTokens,
  answerTokens: 100,
  known: null,
  ...more,
});

describe('a history', () => {
  test('stays whole where the window is not known', () => {
    expect(windowFor(turns(100), facts(null))).toBeNull();
  });

  test('stays whole up to the high-water mark', () => {
    // 850 of 1000, and the answer still fits.
    expect(windowFor(turns(8), facts(1000))).toBeNull();
    expect(windowFor(turns(9), facts(1000))).not.toBeNull();
  });

  test('stays whole no longer than the answer fits beside it', () => {
    expect(windowFor(turns(8), facts(1000, { answerTokens: 150 }))).toBeNull();
    expect(windowFor(turns(8), facts(1000, { answerTokens: 151 }))).not.toBeNull();
  });

  test('is cut to the low-water mark in one step, at the start of a turn', () => {
    const nodes = turns(9);
    // 950 tokens become 450, the first number below 495: five turns of 100 go.
    expect(windowFor(nodes, facts(1000))).toEqual({
      firstNode: nodes[10]?.id ?? '',
      droppedTurns: 5,
    });
  });

  test('keeps the last question however long it is', () => {
    expect(windowFor(turns(0, 5000), facts(1000))).toBeNull();
    const nodes = chain(['user', 50], ['assistant', 50], ['user', 5000]);
    expect(windowFor(nodes, facts(1000))).toEqual({
      firstNode: nodes[2]?.id ?? '',
      droppedTurns: 1,
    });
  });

  test('keeps what follows the last question: calls stay with their results', () => {
    const nodes = chain(
      ['user', 300],
      ['assistant', 300],
      ['user', 10],
      ['assistant', 400],
      ['tool', 400],
    );
    expect(windowFor(nodes, facts(1000))).toEqual({
      firstNode: nodes[2]?.id ?? '',
      droppedTurns: 1,
    });
  });

  test('is measured by what the upstream counted, where it did', () => {
    const nodes = turns(8);
    const known = (tokens: number) => facts(1000, { known: { messages: 16, tokens } });
    expect(windowFor(nodes, known(849))).toBeNull();
    expect(windowFor(nodes, known(851))).not.toBeNull();
    expect(windowFor(nodes, known(1))).toBeNull();
    expect(windowFor(nodes, facts(1000, { known: { messages: 0, tokens: 9999 } }))).toBeNull();
  });

  test('counts an image for what it costs the model, not for its base64', () => {
    const nodes = turns(2).map((node) => ({ ...node, blobs: ['0'.repeat(64)] }));
    expect(windowFor(nodes, facts(8000))).toBeNull();
    expect(windowFor(nodes, facts(4000))).toMatchObject({ droppedTurns: 2 });
  });
});

test('a conversation that goes on is cut rarely, whatever the window and the room for the answer', () => {
  const conversation = fc.record({
    contextTokens: fc.integer({ min: 1000, max: 20_000 }),
    answerTokens: fc.integer({ min: 1, max: 40_000 }),
    tokens: fc.integer({ min: 5, max: 20 }),
  });
  fc.assert(
    fc.property(conversation, ({ contextTokens, answerTokens, tokens }) => {
      // Where the answer takes all but a little of the window, no more than that little is left to cut.
      fc.pre(answerTokens >= contextTokens || contextTokens - answerTokens > tokens * 40);
      let sent: ConversationNode[] = [];
      let sinceCut = Number.POSITIVE_INFINITY;
      const speak = (role: Role) => {
        const node = { role, wire: 'x'.repeat(tokens * 3.5), extra: null, text: '', blobs: [] };
        sent.push(sealNode(sent.at(-1) ?? null, { ...node, createdAt: 0 }));
      };
      for (let turn = 0; turn < 150; turn++) {
        speak('user');
        const window = windowFor(sent, facts(contextTokens, { answerTokens }));
        sinceCut++;
        if (window) {
          expect(sinceCut).toBeGreaterThan(4);
          expect(window.droppedTurns).toBeGreaterThan(4);
          sinceCut = 0;
          sent = sent.slice(sent.findIndex(({ id }) => id === window.firstNode));
          expect(sent[0]?.role).toBe('user');
        }
        expect(sent.length * tokens).toBeLessThanOrEqual(contextTokens);
        speak('assistant');
      }
    }),
    { numRuns: 100 },
  );
});
