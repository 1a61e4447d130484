// JSON in every spelling, whole or with a few bytes changed, in parts as they come from a socket: what looks it over
// takes and refuses what JSON.parse does, finds the same members, and splices to the same text.
import { expect } from 'bun:test';
import fc from 'fast-check';
import { GatewayError } from '../../src/domain/errors.ts';
import { decodeUtf8, lookOver, parseDocument } from '../../src/json/document.ts';
import { spliced } from '../../src/json/splice.ts';
import { checkMessages } from '../../src/prompt/check-content.ts';
import { passUnread } from '../../src/prompt/check-outline.ts';
import type { FuzzOptions } from './fuzz.ts';
import { mutated, mutations } from './mutate.ts';

const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=';
const RULES = { name: 'any', modalities: { input: ['text', 'image'] } };

const space = fc.constantFrom('', '', '', ' ', '\n', '\t', '\r\n  ');
const escape: fc.Arbitrary<string> = fc.constantFrom(
  '\\"',
  '\\\\',
  '\\/',
  '\\n',
  '\\u00e9',
  '\\ud83d',
  '\\u0000',
);
const piece: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.string({ maxLength: 20 }) },
  fc.string({ unit: 'grapheme', maxLength: 5 }),
  fc.nat(3_000).map((length) => 'long '.repeat(length / 5)),
);
const inner: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      piece.map((text) => JSON.stringify(text).slice(1, -1)),
      escape,
    ),
    { maxLength: 4 },
  )
  .map((pieces) => pieces.join(''));
const dataUri: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(
      'data:image/png;base64,',
      'DATA:image/jpeg;base64,',
      'data:,',
      'data:é;base64,',
    ),
    fc.constantFrom(
      PNG,
      PNG.slice(0, -4),
      PNG.slice(0, 6),
      `${PNG}==`,
      PNG.slice(0, -2),
      `\\n${PNG}`,
    ),
    fc.nat(40),
  )
  .map(([head, data, times]) => head + PNG.slice(0, 80).repeat(times) + data);
const text: fc.Arbitrary<string> = fc
  .oneof({ weight: 4, arbitrary: inner }, dataUri)
  .map((one) => `"${one}"`);
const word = fc.constantFrom('true', 'false', 'null', '0', '-0', '1e400', '12345678901234567890');
const number: fc.Arbitrary<number> = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
);

type Texts = Record<'value' | 'part' | 'message', string>;

/** JSON texts whose members are named as those of a chat request, with any values. */
const { value, message } = fc.letrec<Texts>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthIdentifier: 'value' },
    fc.oneof(
      text,
      word,
      number.map((one) => JSON.stringify(one)),
    ),
    listOf(tie('value')),
    objectOf(fc.constantFrom('a', 'b', 'é', 'url', 'model', '\\u006d'), tie('value')),
  ),
  part: objectOf(
    fc.constantFrom('type', 'type', 'text', 'image_url', 'te\\u0078t'),
    fc.oneof(
      fc.constantFrom('"text"', '"image_url"', '"other"'),
      text,
      objectOf(fc.constantFrom('url', 'detail'), text),
      tie('value'),
    ),
  ),
  message: objectOf(
    fc.constantFrom('role', 'role', 'content', 'content', 'name', 'r\\u006fle'),
    fc.oneof(text, text, listOf(tie('part')), tie('value')),
  ),
}));
const usualMessage: fc.Arbitrary<string> = fc
  .oneof(
    text,
    fc
      .tuple(dataUri, text)
      .map(
        ([uri, told]) =>
          `[{"type":"text","text":${told}},{"type":"image_url","image_url":{"url":"${uri}"}}]`,
      ),
  )
  .map((content) => `{"role":"user","content":${content}}`);
const request = fc.oneof(
  objectOf(
    fc.constantFrom('model', 'messages', 'stream', 'tools', 'n', 'é', 'm\\u006fdel'),
    fc.oneof(value, listOf(fc.oneof(message, usualMessage))),
  ),
  listOf(fc.oneof({ weight: 8, arbitrary: usualMessage }, message)).map(
    (messages) => `{"messages":${messages},"model":"any"}`,
  ),
);

function listOf(element: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(fc.array(element, { maxLength: 4 }), space)
    .map(([elements, gap]) => `[${gap}${elements.join(`${gap},`)}${gap}]`);
}

function objectOf(key: fc.Arbitrary<string>, value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const member = fc.tuple(key, value);
  const once = fc.uniqueArray(member, { maxLength: 4, selector: ([name]) => name });
  const members = fc.oneof({ weight: 8, arbitrary: once }, fc.array(member, { maxLength: 4 }));
  return fc.tuple(members, space, space).map(([members, gap, other]) => {
    const texts = members.map(([name, one]) => `"${name}"${gap}:${other}${one}`);
    return `{${gap}${texts.join(`${other},${gap}`)}${other}}`;
  });
}

const cases = fc
  .record({
    json: fc.oneof({ weight: 5, arbitrary: request }, value),
    around: space,
    changes: fc.option(mutations, { freq: 1 }),
    /** Where a part ends, from the part before. */
    cuts: fc.array(fc.nat(400), { maxLength: 12 }),
  })
  .map(({ json, around, changes, cuts }) => {
    const bytes = Buffer.from(around + json + around);
    return { bytes: Buffer.from(changes ? mutated(bytes, changes) : bytes), cuts };
  });

export function fuzzJson({ seed, runs }: FuzzOptions): void {
  fc.assert(
    fc.property(cases, ({ bytes, cuts }) => checkLookedOver(bytes, cuts)),
    { seed, numRuns: runs },
  );
}

function checkLookedOver(bytes: Buffer, cuts: readonly number[]): void {
  const wanted = outcomeOf(() => parseDocument(decodeUtf8(bytes)));
  const got = outcomeOf(() => lookOver(partsOf(bytes, cuts)));
  if (wanted instanceof GatewayError || got instanceof GatewayError) {
    expect(got).toEqual(wanted);
    return;
  }
  const { outline } = got;
  const isUsual = wanted.members.every(({ start }) => isPlainKey(wanted.text, start));
  expect(outline !== undefined).toBe(isUsual);
  if (!outline) return;
  expect(got.text).toBe(wanted.text);
  const told = wanted.members.map(({ key, valueStart, valueEnd }) => [
    key,
    wanted.text.slice(valueStart, valueEnd),
  ]);
  const seen = outline.members.map(({ key, valueStart, valueEnd }) => [
    key,
    outline.parts.text(valueStart, valueEnd),
  ]);
  expect(seen).toEqual(told);
  const changes = { model: '"é"', n: null, stream: 'true' };
  expect(String(spliced(got, changes))).toBe(String(spliced(wanted, changes)));
  const { messages } = wanted.value;
  if (Array.isArray(messages) && passUnread(outline, RULES))
    expect(outcomeOf(() => checkMessages(messages, 'messages', RULES))).toBeUndefined();
}

function isPlainKey(json: string, start: number): boolean {
  return /^"[^"\\]*"/.test(json.slice(start));
}

function outcomeOf<T>(run: () => T): T | GatewayError {
  try {
    return run();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
}

function partsOf(bytes: Buffer, cuts: readonly number[]): Uint8Array[] {
  let from = 0;
  const ends = cuts.map((length) => (from = Math.min(bytes.length, from + length)));
  return [0, ...ends].map((start, index) => bytes.subarray(start, ends[index] ?? bytes.length));
}
