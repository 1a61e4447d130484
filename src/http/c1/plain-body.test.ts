// Whatever is taken for a plain body, the schema takes as well, and as it is.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { chatShape } from './chat-shape.ts';
import { isPlainBody } from './plain-body.ts';

const value = fc.oneof(
  fc.constantFrom('text', '', null, true, false, 1, [], {}, [{ type: 'text', text: 'x' }]),
  fc.string(),
);
const key = fc.oneof(
  fc.constantFrom(...Object.keys(chatShape.shape)),
  fc.constantFrom('temperature', 'user', 'toString', 'constructor'),
);
const body = fc
  .array(fc.tuple(key, value), { maxLength: 6 })
  .map(
    (members) => JSON.parse(JSON.stringify(Object.fromEntries(members))) as Record<string, unknown>,
  )
  .chain((members) => fc.constantFrom(members, { model: 'm', ...members }));

test('the schema agrees, and changes nothing', () => {
  fc.assert(
    fc.property(body, (members) => {
      if (!isPlainBody(members)) return;
      expect(chatShape.parse(members)).toEqual(members);
    }),
    { numRuns: 3_000 },
  );
});

test('the usual bodies are plain', () => {
  const first = { model: 'm', message: 'Hello' };
  const next = { ...first, conversation_id: 'conv_1', stream: true, max_tokens: 30, user: 'eve' };
  for (const members of [first, next]) expect(isPlainBody(members)).toBe(true);
});

test('what the gateway acts on otherwise, and what is wrong, is not plain', () => {
  const others = [
    {},
    { message: 'Hello' },
    { model: 1, message: 'Hello' },
    { model: 'm', message: '' },
    { model: 'm', message: [{ type: 'text', text: 'Hello' }] },
    { model: 'm', message: 'Hello', conversation_id: '' },
    { model: 'm', message: 'Hello', stream: 'yes' },
    { model: 'm', message: 'Hello', tools: [] },
    { model: 'm', message: 'Hello', n: 2 },
  ];
  for (const members of others) expect(isPlainBody(members)).toBe(false);
});
