// What can be wrong with a JSON body: values of another type, missing, huge, deep, doubled, of names that mean something
// to the runtime. Written as text, since some of it cannot be held in a value.
import fc from 'fast-check';

/** JSON text that stands where something else should. */
const ODD_VALUES = [
  'null',
  'true',
  '-1',
  '0.5',
  '1e400',
  '123456789012345678901234567890',
  '""',
  '" "',
  '[]',
  '{}',
  '[null]',
  '{"type":7}',
  '{"__proto__":{"admin":true},"constructor":{"prototype":1}}',
  '"\\ud800"',
  '"\\u0000"',
  '"\\u2028 👩‍👧 \uFEFF"',
  '"data:image/png;base64,AAAA"',
  '"data:image/png;base64,!"',
  '"https://169.254.169.254/"',
  JSON.stringify('x'.repeat(100_000)),
  JSON.stringify('\n'.repeat(5_000)),
  JSON.stringify(Array.from({ length: 5_000 }, (_, at) => at)),
  `${'['.repeat(70)}${']'.repeat(70)}`,
  `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  `${'{"a":'.repeat(70)}1${'}'.repeat(70)}`,
];

const ODD_KEYS = [
  '__proto__',
  'constructor',
  'toString',
  '',
  'unknown',
  'stream',
  'model',
  'messages',
  'user_id',
  'parent',
  'n',
  'max_tokens',
  'tools',
  'images',
  'owner',
  'x'.repeat(2_000),
  '\u0000',
  'ä',
];

export interface Spoiling {
  readonly does: 'replace' | 'remove' | 'add' | 'double';
  /** Which of the places in the value, counted round. */
  readonly place: number;
  readonly value: string;
  readonly key: string;
}

export const spoilings: fc.Arbitrary<Spoiling> = fc.record({
  does: fc.constantFrom('replace', 'replace', 'remove', 'add', 'double'),
  place: fc.nat(1_000),
  value: fc.constantFrom(...ODD_VALUES),
  key: fc.constantFrom(...ODD_KEYS),
});

/** The JSON text of the value, spoilt so. */
export function spoilt(value: unknown, all: readonly Spoiling[]): string {
  const places = placesIn(value);
  const byPlace = new Map(all.map((one) => [places[one.place % places.length] ?? '', one]));
  return written(value, '', byPlace);
}

/** Every place in a value, as a path. */
function placesIn(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [
    path,
    ...Object.entries(value).flatMap(([key, each]) => placesIn(each, `${path}/${key}`)),
  ];
}

function written(value: unknown, path: string, spoilings: ReadonlyMap<string, Spoiling>): string {
  const spoiling = spoilings.get(path);
  if (spoiling?.does === 'replace') return spoiling.value;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const isList = Array.isArray(value);
  const parts = Object.entries(value).flatMap(([key, each]) => {
    const own = spoilings.get(`${path}/${key}`);
    if (own?.does === 'remove') return [];
    const text = written(each, `${path}/${key}`, spoilings);
    const part = isList ? text : `${JSON.stringify(key)}:${text}`;
    return own?.does === 'double'
      ? [part, isList ? own.value : `${JSON.stringify(key)}:${own.value}`]
      : [part];
  });
  if (spoiling?.does === 'add')
    parts.push(isList ? spoiling.value : `${JSON.stringify(spoiling.key)}:${spoiling.value}`);
  return isList ? `[${parts.join()}]` : `{${parts.join()}}`;
}
