// What of earlier reasoning goes back to which kind of upstream, and that it goes back as it came.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { ConversationNode } from '../conversations/conversation.ts';
import { sealNode } from '../conversations/node.ts';
import type { ReasoningHistory } from '../domain/message.ts';
import { assembleMessages } from './assemble.ts';
import { replayOf, wholeReasoning, withReasoning } from './replay.ts';

const ANSWER = '{"role":"assistant","content":"a"}';

function answer(extra: string | null, wire = ANSWER, parent: ConversationNode | null = null) {
  const role = (JSON.parse(wire) as { role: ConversationNode['role'] }).role;
  return sealNode(parent, { role, wire, extra, text: '', blobs: [], createdAt: 0 });
}

function sent(extra: string | null, history: ReasoningHistory, wire = ANSWER): string {
  return withReasoning([answer(extra, wire)], history)[0]?.wire ?? '';
}

describe('what goes back', () => {
  test('follows from the kind, unless the operator says otherwise', () => {
    expect(replayOf({ kind: 'openai' })).toBe('none');
    expect(replayOf({ kind: 'azure' })).toBe('none');
    expect(replayOf({ kind: 'vllm' })).toBe('reasoning');
    expect(replayOf({ kind: 'llama.cpp' })).toBe('reasoning_content');
    expect(replayOf({ kind: 'openrouter' })).toBe('reasoning_details');
    expect(replayOf({ kind: 'openai', reasoningHistory: 'reasoning_content' })).toBe(
      'reasoning_content',
    );
  });

  test('is the reasoning under the name that is wanted, in its own bytes', () => {
    const extra = String.raw`{"reasoning":"H\u006d, \"ü\"","other":1}`;
    const head = ANSWER.slice(0, -1);
    expect(sent(extra, 'reasoning')).toBe(String.raw`${head},"reasoning":"H\u006d, \"ü\""}`);
    expect(sent(extra, 'reasoning_content')).toBe(
      String.raw`${head},"reasoning_content":"H\u006d, \"ü\""}`,
    );
    expect(sent('{"reasoning_content":"x"}', 'reasoning')).toBe(`${head},"reasoning":"x"}`);
    expect(sent(extra, 'none')).toBe(ANSWER);
  });

  test('are the details where they are wanted, and the text where there are none', () => {
    const details = '[{"type":"reasoning.text", "text":"x","signature":"s+/=","index":0}]';
    const extra = `{"reasoning":"x","reasoning_details":${details}}`;
    expect(sent(extra, 'reasoning_details')).toBe(
      `${ANSWER.slice(0, -1)},"reasoning_details":${details}}`,
    );
    expect(sent('{"reasoning":"x"}', 'reasoning_details')).toContain('"reasoning":"x"}');
    expect(sent('{"reasoning":"x","reasoning_details":[]}', 'reasoning_details')).toContain(
      '"reasoning":"x"}',
    );
  });

  test('is nothing where nothing was thought, and never twice', () => {
    for (const extra of [null, '{}', '[1]', '"x"', '{"reasoning":""}', '{"reasoning":{"a":1}}']) {
      expect(sent(extra, 'reasoning')).toBe(ANSWER);
    }
    const imported = '{"role":"assistant","content":"a","reasoning_content":"own"}';
    expect(sent('{"reasoning":"x"}', 'reasoning', imported)).toBe(imported);
    const question = '{"role":"user","content":"a"}';
    expect(sent('{"reasoning":"x"}', 'reasoning', question)).toBe(question);
  });

  test('leaves the sealed node alone', () => {
    const node = answer('{"reasoning":"x"}');
    withReasoning([node], 'reasoning');
    expect(node.wire).toBe(ANSWER);
  });
});

describe('fragments of reasoning_details', () => {
  const text = (index: number, more: object) => ({ type: 'reasoning.text', index, ...more });

  test('are put together by index, and the signature is that of the last one', () => {
    expect(
      wholeReasoning([
        text(0, { text: 'a', signature: null, format: 'f' }),
        text(0, { text: 'b', signature: null }),
        text(1, { text: 'c' }),
        text(0, { text: '', signature: 'EqQB+/==' }),
      ]),
    ).toEqual([
      text(0, { text: 'ab', signature: 'EqQB+/==', format: 'f' }),
      text(1, { text: 'c' }),
    ]);
    expect(
      wholeReasoning([
        { type: 'reasoning.summary', index: 0, summary: '**A' },
        { type: 'reasoning.summary', index: 0, summary: 'B**' },
        { type: 'reasoning.encrypted', index: 0, id: 'rs_1', data: 'gAAA' },
        { type: 'reasoning.encrypted', index: 0, id: 'rs_1', data: 'gBBB' },
      ]),
    ).toEqual([
      { type: 'reasoning.summary', index: 0, summary: '**AB**' },
      { type: 'reasoning.encrypted', index: 0, id: 'rs_1', data: 'gAAA' },
      { type: 'reasoning.encrypted', index: 0, id: 'rs_1', data: 'gBBB' },
    ]);
  });

  test('that are whole already, or no fragments, stay as they are', () => {
    const entries = [
      { type: 'reasoning.text', text: 'a' },
      { type: 'reasoning.text', text: 'b' },
      text(0, { id: 'x', text: 'c' }),
      text(0, { id: 'y', text: 'd' }),
      1,
      null,
      'x',
    ];
    expect(wholeReasoning(entries)).toEqual(entries);
  });

  test('come to the same entries wherever a stream cuts their text', () => {
    const entry = fc.record({ text: fc.string({ minLength: 1 }), signature: fc.string() });
    fc.assert(
      fc.property(fc.array(entry), fc.nat(5), (entries, cut) => {
        const whole = entries.map((one, index) => text(index, one));
        const fragments = entries.flatMap(({ text: all, signature }, index) => [
          text(index, { text: all.slice(0, cut), signature: null }),
          text(index, { text: all.slice(cut), signature }),
        ]);
        expect(wholeReasoning(fragments)).toEqual(whole);
        expect(wholeReasoning(whole)).toEqual(whole);
      }),
    );
  });

  test('that were stored before they were put together are, when they go back', () => {
    const extra = JSON.stringify({
      reasoning_details: [text(0, { text: 'a' }), text(0, { text: 'b', signature: 's' })],
    });
    expect(JSON.parse(sent(extra, 'reasoning_details'))).toMatchObject({
      reasoning_details: [text(0, { text: 'ab', signature: 's' })],
    });
  });
});

test('a longer history begins with the bytes of a shorter one, whichever member goes back', () => {
  const extra = fc.option(
    fc
      .record(
        {
          reasoning: fc.string({ unit: 'binary' }),
          reasoning_content: fc.string(),
          reasoning_details: fc.array(fc.json().map((json) => JSON.parse(json) as unknown)),
          other: fc.json(),
        },
        { requiredKeys: [] },
      )
      .map((value) => JSON.stringify(value)),
  );
  const wire = fc
    .record({ role: fc.constantFrom('user', 'assistant'), content: fc.string({ unit: 'binary' }) })
    .map((message) => JSON.stringify(message));
  const histories = fc.constantFrom<ReasoningHistory[]>(
    'none',
    'reasoning',
    'reasoning_content',
    'reasoning_details',
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(wire, extra), { maxLength: 8 }),
      fc.nat(8),
      histories,
      (messages, cut, history) => {
        let parent: ConversationNode | null = null;
        const nodes = messages.map(([text, more]) => (parent = answer(more, text, parent)));
        const prompt = (of: readonly ConversationNode[]) =>
          assembleMessages({ system: null }, withReasoning(of, history), new Map());
        expect(prompt(nodes)).toStartWith(prompt(nodes.slice(0, cut)).slice(0, -1));
        JSON.parse(prompt(nodes));
      },
    ),
  );
});
