// What Gemini said goes back to it as it was: the parts with their signatures, and the whole history byte for byte.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { answerParts } from './answer-parts.ts';
import { createCandidate } from './candidate.ts';
import { conversationOf } from './contents.ts';
import { modelFacts } from './model-facts.ts';
import { wholeCompletion } from './translate-reply.ts';
import type { Part } from './wire.ts';

const FACTS = modelFacts('gemini-3.1-pro-preview');

const signature = fc.option(fc.base64String({ minLength: 4 }), { nil: undefined });
const signed = (part: fc.Arbitrary<object>): fc.Arbitrary<Part> =>
  fc.tuple(part, signature).map(([rest, thoughtSignature]) => ({
    ...rest,
    ...(thoughtSignature && { thoughtSignature }),
  }));

const text = signed(fc.record({ text: fc.string({ unit: 'grapheme' }) }));
const thought = signed(fc.record({ text: fc.string(), thought: fc.constant(true) }));
const image = signed(
  fc.record({
    inlineData: fc.record({
      mimeType: fc.constantFrom('image/png', 'image/jpeg'),
      data: fc.base64String({ minLength: 4 }),
    }),
  }),
);
/** As parsed from JSON: there is no -0 among what is written again. */
const args = fc
  .dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }))
  .map((value) => JSON.parse(JSON.stringify(value)) as object);
const functionCall = fc.record({ id: fc.uuid(), name: fc.constantFrom('f', 'g'), args });

/** The parts of an answer, in the order in which Gemini gives them. */
const answer = fc
  .tuple(
    fc.array(thought, { maxLength: 2 }),
    fc.array(fc.oneof(text, image), { maxLength: 5 }),
    fc.array(functionCall, { maxLength: 3 }),
    fc.base64String({ minLength: 4 }),
  )
  .map(([thoughts, shown, calls, ofCalls]) => [
    ...thoughts,
    ...shown,
    ...calls.map((call, index) => ({
      functionCall: call,
      // Of calls in parallel, the first one is signed.
      ...(index === 0 ? { thoughtSignature: ofCalls } : {}),
    })),
  ]);

/** The message that a client of the gateway puts together from the chunks, each part in one of its own. */
function messageOf(parts: readonly Part[]): Readonly<Record<string, unknown>> {
  const candidate = createCandidate((call) => `call_${call}`);
  const chunks = parts.map((part) => ({
    choices: [{ delta: { ...candidate.read([part]) } }],
  }));
  const [choice] = wholeCompletion(chunks).choices ?? [];
  return { role: 'assistant', content: '', ...choice?.message };
}

/** As Gemini takes it: texts without a signature are one, and thoughts without one are of no use to it. */
function canonical(parts: readonly Part[]): Part[] {
  const result: Part[] = [];
  for (const part of parts) {
    const isSigned = 'thoughtSignature' in part;
    if (!isSigned && ('thought' in part || part['text'] === '')) continue;
    const before = result.at(-1);
    const joins = !isSigned && before && 'text' in part && 'text' in before;
    if (joins && !('thoughtSignature' in before)) {
      result[result.length - 1] = { text: String(before['text']) + String(part['text']) };
    } else result.push(part);
  }
  return result;
}

test('an answer goes back in the parts that it came in, each with its own signature', () => {
  fc.assert(
    fc.property(answer, (parts) => {
      expect(answerParts(messageOf(parts), 'messages[1]', FACTS)).toEqual(canonical(parts));
    }),
  );
});

const user = fc.oneof(
  fc.string().map((content) => ({ role: 'user', content })),
  fc.tuple(fc.string(), fc.base64String({ minLength: 4 })).map(([words, data]) => ({
    role: 'user',
    content: [
      { type: 'text', text: words },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } },
    ],
  })),
);

/** A message without anything in it is no turn of the model's, and what is around it is one of the user's. */
function isAnswer(parts: readonly Part[]): boolean {
  return canonical(parts).length > 0;
}

/** An answer and what comes after it: the results of its calls, the user's next words. */
const turn = fc.tuple(answer.filter(isAnswer), user, fc.boolean()).map(([parts, next, isLate]) => {
  const message = messageOf(parts);
  const calls = (message['tool_calls'] ?? []) as { id: string }[];
  return [
    message,
    ...calls.map(({ id }) => ({ role: 'tool', tool_call_id: id, content: `of ${id}` })),
    ...(isLate ? [{ role: 'system', content: 'and now?' }] : []),
    next,
  ];
});

test('the contents of a longer conversation begin with those of the shorter one, byte for byte', () => {
  for (const model of ['gemini-2.5-flash', 'gemini-3.1-pro-preview', 'gemini-3-pro-image']) {
    const facts = modelFacts(model);
    const contentsOf = (messages: readonly object[]) =>
      JSON.stringify(conversationOf(messages, facts).contents);
    fc.assert(
      fc.property(user, fc.array(turn, { minLength: 1, maxLength: 4 }), (first, turns) => {
        let messages: object[] = [{ role: 'system', content: 'Be brief.' }, first];
        let before = contentsOf(messages);
        for (const more of turns) {
          messages = [...messages, ...more];
          const after = contentsOf(messages);
          expect(after.startsWith(before.slice(0, -1))).toBe(true);
          before = after;
        }
      }),
      { numRuns: 50 },
    );
  }
});

test('models that draw get a stand-in for signatures that an image of another model lacks', () => {
  const url = 'data:image/png;base64,AAAA';
  const message = { role: 'assistant', content: 'see', images: [{ image_url: { url } }] };
  const parts = answerParts(message, 'messages[1]', modelFacts('gemini-3-pro-image'));
  const thoughtSignature = 'skip_thought_signature_validator';
  expect(parts).toEqual([
    { text: 'see', thoughtSignature },
    { inlineData: { mimeType: 'image/png', data: 'AAAA' }, thoughtSignature },
  ]);
  expect(answerParts(message, 'messages[1]', FACTS)).toEqual([
    { text: 'see' },
    { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
  ]);
});
