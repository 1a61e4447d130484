import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { GatewayError } from '../domain/errors.ts';
import { lookOver, memberText, parseDocument } from './document.ts';
import { membersOf } from './members.ts';
import { spliced, withMembers } from './splice.ts';

const anyObject = fc.dictionary(fc.string(), fc.jsonValue());
const spaced = fc.constantFrom(undefined, 1, '\t', ' \n ');

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof GatewayError) return error.code;
    throw error;
  }
  return 'no error';
}

describe('the members of a JSON text', () => {
  test('are those that JSON.parse sees, with the text of their values', () => {
    fc.assert(
      fc.property(anyObject, spaced, (object, space) => {
        const text = JSON.stringify(object, null, space);
        const parsed = JSON.parse(text) as Record<string, unknown>;
        const members = membersOf(text);
        expect(members.map(({ key }) => key).toSorted()).toEqual(Object.keys(parsed).toSorted());
        for (const { key, valueStart, valueEnd } of members) {
          expect(JSON.parse(text.slice(valueStart, valueEnd))).toEqual(parsed[key]);
        }
      }),
    );
  });

  test('see through escaped quotes, backslashes and escaped keys', () => {
    const text = String.raw`{"a\\":"\\\"}","m\u006fdel":{"model":"inner"},"x":[-0,1e400]}`;
    expect(membersOf(text).map(({ key }) => key)).toEqual(['a\\', 'model', 'x']);
  });
});

describe('splicing', () => {
  test('changes what is named and nothing else', () => {
    const change = fc.option(
      fc.jsonValue().map((value) => JSON.stringify(value)),
      { nil: null },
    );
    fc.assert(
      fc.property(
        anyObject,
        fc.dictionary(fc.string(), change),
        spaced,
        (object, wanted, space) => {
          const keys = Object.keys(object);
          const changes = { ...wanted };
          keys.forEach((key, index) => {
            if (index % 3 === 0) changes[key] = index % 2 === 0 ? null : '"new"';
          });
          const text = JSON.stringify(object, null, space);
          const expected = new Map(Object.entries(JSON.parse(text) as object));
          for (const [key, value] of Object.entries(changes)) {
            if (value === null) expected.delete(key);
            else expected.set(key, JSON.parse(value));
          }
          const result = withMembers(text, membersOf(text), changes);
          expect(String(spliced(lookOver([Buffer.from(text)]), changes))).toBe(result);
          expect(new Map(Object.entries(JSON.parse(result) as object))).toEqual(expected);
        },
      ),
    );
  });

  test('gives the same as bytes, whatever the text is written in and wherever it is long', () => {
    const word = fc.constantFrom('plain', 'ä', '東京', '👩‍👩‍👧', String.raw`\u00e4\"`);
    fc.assert(
      fc.property(fc.array(fc.tuple(word, fc.nat(40)), { minLength: 1, maxLength: 6 }), (words) => {
        const members = words.map(([text, times], index) => `"${index}ü": "${text.repeat(times)}"`);
        const document = parseDocument(`{${members.join(' , ')}}`);
        const bytes = Buffer.from(document.text);
        const changes = { '0ü': '"é"', '1ü': null, '3ü': '"x"', new: '"文"' };
        const half = bytes.length / 2;
        const result = spliced(lookOver([bytes.subarray(0, half), bytes.subarray(half)]), changes);
        expect(String(result)).toBe(withMembers(document.text, document.members, changes));
      }),
    );
  });

  test('keeps integers beyond 2^53, spacing and order of the rest', () => {
    const text = '{ "seed": 12345678901234567890, "model" : "a", "t":1.0 }';
    expect(withMembers(text, membersOf(text), { model: '"b"', stream: 'true' })).toBe(
      '{ "seed": 12345678901234567890, "model" : "b", "t":1.0,"stream":true }',
    );
  });
});

describe('a document', () => {
  test('refuses a key that comes twice, however it is spelt', () => {
    expect(codeOf(() => parseDocument(String.raw`{"model":"a","m\u006fdel":"b"}`))).toBe(
      'invalid_json',
    );
  });

  test('refuses depth 65 and takes depth 64', () => {
    const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
    expect(codeOf(() => parseDocument(nested(65)))).toBe('invalid_json');
    expect(codeOf(() => parseDocument(nested(64)))).toBe('no error');
    expect(codeOf(() => parseDocument(nested(100_000)))).toBe('invalid_json');
  });

  test('refuses what is not one object', () => {
    for (const text of [
      '',
      ' ',
      '[]',
      '1',
      'null',
      '"a"',
      '{',
      '{}{}',
      "{'a':1}",
      '{"a":1,}',
      '\uFEFF{}',
    ]) {
      expect(codeOf(() => parseDocument(text))).toBe('invalid_json');
    }
  });

  test('hands out the text of a member as it came', () => {
    expect(memberText(parseDocument('{"a": 1.50 ,"b":2}'), 'a')).toBe('1.50');
    expect(memberText(parseDocument('{"a": 1}'), 'b')).toBeUndefined();
  });
});
