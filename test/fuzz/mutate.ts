// Changes to bytes as they happen on wires and in broken programs.
import fc from 'fast-check';

export type Mutation = readonly [
  kind: 'flip' | 'insert' | 'drop' | 'repeat' | 'cut' | 'swap',
  at: number,
  bytes: Uint8Array,
];

/** What parsers look at. */
const SPECIAL = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  ':',
  ' ',
  '\r\n\r\n',
  '{',
  '}',
  '"',
  ',',
  '\\',
  '0',
  '\uFEFF',
  '\xFF',
  'data: ',
  '\t',
  '-',
].map((text) => new Uint8Array(Buffer.from(text, 'latin1')));

export const mutations = fc.array(
  fc.tuple(
    fc.constantFrom(
      'flip',
      'insert',
      'insert',
      'drop',
      'repeat',
      'swap',
      'cut',
    ) satisfies fc.Arbitrary<Mutation[0]>,
    fc.nat(),
    fc.oneof(fc.constantFrom(...SPECIAL), fc.uint8Array({ minLength: 1, maxLength: 3 })),
  ),
  { minLength: 1, maxLength: 3 },
);

export function mutated(bytes: Uint8Array, changes: readonly Mutation[]): Uint8Array {
  return changes.reduce(mutate, bytes);
}

function mutate(bytes: Uint8Array, [kind, place, more]: Mutation): Uint8Array {
  const at = place % (bytes.length + 1);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (kind) {
    case 'flip':
      return Buffer.concat(
        [before, [(after[0] ?? 0) ^ (more[0] ?? 1)], after.subarray(1)].map((part) =>
          Buffer.from(part),
        ),
      );
    case 'insert':
      return Buffer.concat([before, more, after]);
    case 'drop':
      return Buffer.concat([before, after.subarray(more.length)]);
    case 'repeat':
      return Buffer.concat([before, after.subarray(0, 8 * more.length), after]);
    case 'swap':
      return Buffer.concat([before, after.subarray(4, 8), after.subarray(0, 4), after.subarray(8)]);
    case 'cut':
      return before;
    default:
      return kind satisfies never;
  }
}
