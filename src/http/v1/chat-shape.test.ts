import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { chatCompletionsShape, isPlainChat } from './chat-shape.ts';

test('what is taken at a glance is what the schema takes, unchanged', () => {
  const value = fc.oneof(fc.boolean(), fc.string(), fc.constant(null), fc.array(fc.jsonValue()));
  const mostly = <T>(right: fc.Arbitrary<T>) => fc.oneof({ arbitrary: right, weight: 4 }, value);
  const requests = fc.record(
    {
      model: mostly(fc.string()),
      messages: mostly(fc.array(fc.jsonValue(), { minLength: 1 })),
      stream: mostly(fc.boolean()),
      stream_options: value,
      more: value,
    },
    { requiredKeys: ['model', 'messages'] },
  );
  let plain = 0;
  fc.assert(
    fc.property(requests, (request) => {
      if (!isPlainChat(request)) return;
      plain++;
      expect(chatCompletionsShape.parse(request)).toEqual(request);
    }),
    { numRuns: 2_000 },
  );
  expect(plain).toBeGreaterThan(10);
  expect(isPlainChat({ model: 'm', messages: [{}], stream: true })).toBe(true);
});
