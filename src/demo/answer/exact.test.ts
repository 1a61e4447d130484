import { expect, test } from 'bun:test';
import fc from 'fast-check';

import { evaluate } from './exact.ts';

const value = (expression: string): string | undefined => {
  const outcome = evaluate(expression);
  return outcome?.kind === 'value' ? outcome.text : outcome?.why;
};

test('whole numbers add, subtract and multiply as big integers do', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 30n), fc.bigInt(0n, 10n ** 30n), (a, b) => {
      expect(value(`${a} + ${b}`)).toBe(String(a + b));
      expect(value(`${a} - ${b}`)).toBe(String(a - b));
      expect(value(`${a} * (${b})`)).toBe(String(a * b));
    }),
  );
});

test('precedence, associativity, signs and powers are those of school', () => {
  expect(value('2 + 3 * 4')).toBe('14');
  expect(value('10 - 4 - 3')).toBe('3');
  expect(value('100 / 5 / 2')).toBe('10');
  expect(value('-2 ^ 2')).toBe('-4');
  expect(value('2 ^ 3 ^ 2')).toBe('512');
  expect(value('2 ^ -2')).toBe('0.25');
  expect(value('0.1 + 0.2')).toBe('0.3');
});

test('a value with endless decimals is rounded and says so', () => {
  expect(evaluate('2 / 3')).toEqual({ kind: 'value', text: '0.6666666667', exact: false });
  expect(evaluate('1 / 8')).toEqual({ kind: 'value', text: '0.125', exact: true });
});

test('what has no value or is too large is refused with the reason', () => {
  expect(value('1 / (2 - 2)')).toContain('division by zero');
  expect(value('9 ^ 9 ^ 9')).toContain('too large');
  expect(value('2 ^ 0.5')).toContain('whole powers');
});

test('what is no complete expression is none', () => {
  for (const text of ['', '42', '2 +', '(1 + 2', '1 + 2)', '1 2 +', 'a + b', '2 ** 3']) {
    expect(evaluate(text)).toBeUndefined();
  }
});
