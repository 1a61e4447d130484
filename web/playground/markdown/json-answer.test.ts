// Which answers are shown as JSON.
import { expect, test } from 'bun:test';
import { jsonAnswer } from './json-answer.ts';

test('an answer that is JSON is put into lines once it is whole', () => {
  expect(jsonAnswer('{"a": 1', false)).toBe('{"a": 1');
  expect(jsonAnswer('{"a":[1]}', true)).toBe('{\n  "a": [\n    1\n  ]\n}');
});

test.each(['[a link](https://example.com)', '{curly} words', 'Here: {"a":1}', '{"a": 1', '42', ''])(
  '%j is none',
  (text) => {
    expect(jsonAnswer(text, true)).toBeNull();
  },
);
