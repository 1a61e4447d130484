// The operations of the property test: numbers stand for whatever there is when one is applied.
import fc from 'fast-check';

const slot = fc.nat({ max: 2 });
const text = fc.string({ unit: 'grapheme' });
const turn = fc.nat();

const accept = fc.record({
  kind: fc.constant('accept' as const),
  slot,
  key: fc.option(fc.nat({ max: 3 }), { freq: 3 }),
  fingerprint: fc.constantFrom('one', 'one', 'two'),
  stale: fc.boolean(),
  newEpoch: fc.boolean(),
  /** A message other than the head, or null to go on from the head. */
  branch: fc.option(fc.nat(), { freq: 2 }),
  /** Another answer to that message. */
  again: fc.boolean(),
  text,
});

const finish = fc.record({
  kind: fc.constant('finish' as const),
  /** Of all turns there ever were, ended and removed ones too. */
  turn,
  /** Rather the one that runs. */
  running: fc.boolean(),
  status: fc.constantFrom('completed', 'completed', 'failed', 'cancelled'),
  answered: fc.boolean(),
  text,
});

const title = fc.record({
  kind: fc.constant('title' as const),
  slot,
  title: fc.string(),
  byPerson: fc.boolean(),
});

export const operation = fc.oneof(
  { weight: 6, arbitrary: accept },
  { weight: 6, arbitrary: finish },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('start' as const), turn }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('append' as const), turn }) },
  { weight: 1, arbitrary: title },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('move' as const), slot, node: fc.nat() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('fork' as const), slot, node: fc.nat(), into: slot }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), slot }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reimport' as const), slot }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('collect' as const), age: fc.nat({ max: 10 }) }),
  },
);

export type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;
export type OperationOf<K extends Operation['kind']> = Extract<Operation, { kind: K }>;
