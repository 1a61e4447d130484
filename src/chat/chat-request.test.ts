// What is read of a request that was only looked over, beside what is read of one that was parsed.
import { describe, expect, test } from 'bun:test';
import { lookOver, parseDocument, type JsonDocument } from '../json/document.ts';
import { actedOn, affinityKey } from './chat-request.ts';

const keyOf = (document: JsonDocument) => affinityKey({ document, value: actedOn(document) });

describe('a request goes to the same replica, parsed or looked over,', () => {
  test.each(['plain ', 'ä', '東京', '👩‍👩‍👧 ', '\\u00e4\\"'])('if it is full of %s', (word) => {
    for (const times of [1, 400, 2_000, 2_001, 9_000]) {
      const text = `{"model":"a","messages":[{"role":"user","content":"${word.repeat(times)}"}],"n":1}`;
      const bytes = Buffer.from(text);
      const parts = [bytes.subarray(0, 50), bytes.subarray(50)];
      expect(keyOf(lookOver(parts))).toBe(keyOf(parseDocument(text)));
    }
  });

  test('if the client names a key of its own', () => {
    const text = '{"prompt_cache_key":"é\\n","messages":[]}';
    expect(keyOf(lookOver([Buffer.from(text)]))).toBe('é\n');
    expect(keyOf(parseDocument(text))).toBe('é\n');
  });
});

test('what is acted on is the value, and of its lists only whether they are empty', () => {
  const text =
    '{"model":"a","stream":null,"n":1.0,"messages":[{"role":"user"},1],"tools":[],"stream_options":{"include_usage":true},"max_tokens":"5","unknown":[1]}';
  expect(actedOn(lookOver([Buffer.from(text)]))).toEqual({
    model: 'a',
    stream: null,
    n: 1,
    messages: [null],
    tools: [],
    stream_options: { include_usage: true },
    max_tokens: '5',
  });
  const wrong = '{"messages":{"a":1},"tools":"all"}';
  expect(actedOn(lookOver([Buffer.from(wrong)]))).toEqual({ messages: { a: 1 }, tools: 'all' });
});
