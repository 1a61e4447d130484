// A prompt that grows is the prompt that all its messages make, turn after turn, byte for byte.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import type { ConversationNode } from '../conversations/conversation.ts';
import { sealNode } from '../conversations/node.ts';
import type { Role } from '../domain/message.ts';
import { assembleMessages } from './assemble.ts';
import {
  goesOnFrom,
  grownPrompt,
  keptPrompt,
  type GrowingPrompt,
  type KeptPrompt,
} from './kept-prompt.ts';
import { promptFor } from './prompt-for.ts';
import { replayOf, withReasoning } from './replay.ts';
import { guessedTokens } from './window.ts';

const target = { kind: 'vllm' };
const other = { kind: 'openrouter' };
const profile = { system: '{"role":"system","content":"Be brief."}' };
const blobs = new Map();

const text = fc.oneof(fc.string(), fc.constantFrom('日本語 😀', '"quotes"\n', ''));
const id = fc.constantFrom('call_a', 'call_b');
const turn = fc.record({
  /** Results before the user's message, of calls that there may not have been. */
  results: fc.array(id, { maxLength: 2 }),
  question: fc.option(text, { nil: null }),
  answer: text,
  calls: fc.array(id, { maxLength: 2 }),
  extra: fc.option(fc.constantFrom('{"reasoning":"Hm."}', '{"logprobs":1}'), { nil: null }),
});

function node(parent: ConversationNode | null, role: Role, { wire, extra = null }: Message) {
  return sealNode(parent, {
    role,
    wire: JSON.stringify(wire),
    extra,
    text: '',
    blobs: [],
    createdAt: 0,
  });
}
interface Message {
  readonly wire: object;
  readonly extra?: string | null;
}

test('whatever is asked, called, answered and left unanswered', () => {
  fc.assert(
    fc.property(fc.array(turn, { minLength: 1, maxLength: 12 }), (turns) => {
      const path: ConversationNode[] = [];
      let kept = null as KeptPrompt | null;
      const add = (role: Role, message: Message) =>
        void path.push(node(path.at(-1) ?? null, role, message));
      for (const { results, question, answer, calls, extra } of turns) {
        const start = path.length;
        for (const tool_call_id of results)
          add('tool', { wire: { role: 'tool', tool_call_id, content: 'ok' } });
        if (question !== null || results.length === 0)
          add('user', { wire: { role: 'user', content: question ?? '?' } });
        const sent = [...path];
        const whole = assembleMessages(profile, withReasoning(sent, replayOf(target)), blobs);
        const input = sent.slice(start);
        const grown: GrowingPrompt | null = kept && grownPrompt(kept, input, { blobs, target });
        if (grown) {
          const messages = grown.messagesFor(target);
          expect(messages.text).toBe(whole);
          expect(Buffer.concat([...(messages.bytes ?? [])]).toString()).toBe(whole);
        }
        const tool_calls = calls.map((call) => ({ id: call, type: 'function' }));
        const wire = {
          role: 'assistant',
          content: answer,
          ...(calls.length > 0 && { tool_calls }),
        };
        add('assistant', { wire, extra });
        const last = path.at(-1) as ConversationNode;
        const messages = promptFor(profile, sent, blobs)(target);
        kept = grown
          ? grown.keptWith(last)
          : keptPrompt(profile, { nodes: sent, messages, target }, last);
        if (kept)
          expect(kept.guessedTokens).toBeCloseTo(
            guessedTokens(withReasoning(path, replayOf(target))),
          );
      }
    }),
  );
});

function keptAfter(extra: string | null, wire: object = { role: 'assistant', content: 'A.' }) {
  const question = node(null, 'user', { wire: { role: 'user', content: 'Q?' } });
  const messages = promptFor(profile, [question], blobs)(target);
  const answer = node(question, 'assistant', { wire, extra });
  return { kept: keptPrompt(profile, { nodes: [question], messages, target }, answer), answer };
}

test('one with reasoning is gone on from where it goes back in the same way, any other wherever', () => {
  const plain = keptAfter(null).kept as KeptPrompt;
  expect(goesOnFrom(plain, profile, [target, other])).toBe(true);
  const reasoned = keptAfter('{"reasoning":"Hm."}').kept as KeptPrompt;
  expect(goesOnFrom(reasoned, profile, [target])).toBe(true);
  expect(goesOnFrom(reasoned, profile, [target, other])).toBe(false);
});

test('one under another system prompt, or that begins elsewhere, is not gone on from', () => {
  const kept = keptAfter(null).kept as KeptPrompt;
  expect(goesOnFrom(kept, { system: null }, [target])).toBe(false);
  expect(goesOnFrom(kept, { ...profile, since: 'node_a' }, [target])).toBe(false);
});

test('one whose answer shows an image is not kept: the image is in the store', () => {
  const { kept, answer } = keptAfter(null);
  const grown = grownPrompt(kept as KeptPrompt, [], { blobs, target });
  expect(grown.keptWith({ ...answer, blobs: ['0'.repeat(64)] })).toBeNull();
});

test('growing writes behind the bytes of the prompt before, which stay as they were', () => {
  let { kept, answer } = keptAfter(null) as { kept: KeptPrompt; answer: ConversationNode };
  const seen: { bytes: Uint8Array; text: string }[] = [];
  for (let turns = 0; turns < 50; turns++) {
    const question = node(answer, 'user', { wire: { role: 'user', content: `Q${turns}` } });
    const grown = grownPrompt(kept, [question], { blobs, target });
    const { text: sent, bytes = [] } = grown.messagesFor(target);
    seen.push(...bytes.map((piece) => ({ bytes: piece, text: Buffer.from(piece).toString() })));
    expect(Buffer.concat([...bytes]).toString()).toBe(sent);
    answer = node(question, 'assistant', { wire: { role: 'assistant', content: `A${turns}` } });
    kept = grown.keptWith(answer) as KeptPrompt;
  }
  for (const { bytes, text: then } of seen) expect(Buffer.from(bytes).toString()).toBe(then);
});
