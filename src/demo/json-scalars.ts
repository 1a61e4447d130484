// Strings and numbers within a schema's bounds: the proposed value where it is allowed, else the nearest or plainest
// that is.

import type { Json, JsonObject } from './json.ts';

const MAX_STRING_CHARS = 10_000;
/** A pattern is a stranger's regular expression: tried on short strings only, where none can take long. */
const MAX_PATTERN_TRIAL_CHARS = 16;

const FORMATS: Readonly<Record<string, string>> = {
  date: '2026-01-01',
  'date-time': '2026-01-01T12:00:00Z',
  time: '12:00:00Z',
  duration: 'P1D',
  email: 'demo@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/',
  url: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
};

const FORMAT_SHAPES: Readonly<Record<string, RegExp>> = {
  date: /^\d{4}-\d{2}-\d{2}$/,
  'date-time': /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/,
  email: /^[^\s@]+@[^\s@]+\.[^\s@]+$/,
  uri: /^[a-z][a-z\d+.-]*:\S+$/i,
  url: /^[a-z][a-z\d+.-]*:\S+$/i,
};

const PATTERN_TRIALS = [
  'demo',
  'Demo',
  'DEMO',
  'a',
  'A',
  '0',
  '1',
  '00',
  '12',
  '123',
  '1234',
  '12345',
  '123456',
  '1234567890',
  'AA',
  'AB',
  'ABC',
  'abc',
  'A1',
  'a1',
  'AB12',
  'ABC123',
  'ABC-123',
  'AB-1234',
  '1.0',
  '1.0.0',
  '12:00',
  '12:00:00',
  '2026-01-01',
  '2026',
  '+10000000000',
  '555-0100',
  '#000000',
  '$1.00',
  'a@b.co',
  'demo-1',
  'demo_1',
  '',
];

export function stringFor(rules: JsonObject, proposed: Json | undefined, item: number): string {
  const least = bound(rules['minLength'], 0);
  const most = Math.min(bound(rules['maxLength'], MAX_STRING_CHARS), MAX_STRING_CHARS);
  const { format, pattern } = rules;
  const offered = typeof proposed === 'string' ? proposed : undefined;
  if (typeof format === 'string' && FORMATS[format] !== undefined) {
    const fits = offered !== undefined && FORMAT_SHAPES[format]?.test(offered) === true;
    return fits ? offered : FORMATS[format];
  }
  if (typeof pattern === 'string') return matching(pattern, offered, [least, most]);
  const distinct = `${offered ?? 'demo'}${item === 0 ? '' : ` ${item + 1}`}`;
  return fitted(distinct, least, most);
}

/** Lengths in JSON Schema are code points. */
function fitted(text: string, least: number, most: number): string {
  if (text.length >= least && text.length <= most && text.length * 2 <= least + text.length)
    return text;
  const points = Array.from(text);
  if (points.length > most) return points.slice(0, most).join('');
  return text + '.'.repeat(Math.max(0, Math.min(least, MAX_STRING_CHARS) - points.length));
}

function matching(
  pattern: string,
  offered: string | undefined,
  [least, most]: readonly [number, number],
): string {
  const test = compiled(pattern);
  const trials = offered === undefined ? PATTERN_TRIALS : [offered, ...PATTERN_TRIALS];
  const fits = (text: string): boolean =>
    text.length >= least && text.length <= Math.min(most, MAX_PATTERN_TRIAL_CHARS) && test(text);
  return trials.find(fits) ?? fitted(offered ?? 'demo', least, most);
}

function compiled(pattern: string): (text: string) => boolean {
  try {
    const expression = new RegExp(pattern, 'u');
    return (text) => expression.test(text);
  } catch (error) {
    // A pattern of another dialect: nothing can be checked against it.
    if (error instanceof SyntaxError) return () => true;
    throw error;
  }
}

export function numberFor(rules: JsonObject, proposed: Json | undefined, item: number): number {
  const whole = rules['type'] === 'integer' || isIntegerList(rules['type']);
  const step = bound(rules['multipleOf'], 0) || (whole ? 1 : 0);
  const { least, most } = boundsOf(rules, step || Number.EPSILON);
  // Beyond 2^53 there are no whole numbers to step through.
  const offered =
    typeof proposed === 'number' && Math.abs(proposed) <= Number.MAX_SAFE_INTEGER
      ? proposed
      : undefined;
  const near = Math.min(Math.max(offered ?? 0, least), most);
  const apart = item * (step || 1);
  const fits = (number: number): boolean => number >= least && number <= most;
  const between = step === 0 ? least + (most - least) / (item + 2) : near;
  const inside = [near + apart, near - apart].find(fits) ?? between;
  if (step === 0) return inside;
  const up = Math.ceil(inside / step) * step;
  return up <= most ? up : Math.floor(inside / step) * step;
}

function boundsOf(rules: JsonObject, gap: number): { least: number; most: number } {
  const { minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below } = rules;
  const tight = (limit: number, sign: 1 | -1): number =>
    limit + sign * Math.max(gap, Math.abs(limit) * Number.EPSILON * 2);
  return {
    least: Math.max(
      numberOr(minimum, Number.NEGATIVE_INFINITY),
      typeof above === 'number' ? tight(above, 1) : Number.NEGATIVE_INFINITY,
    ),
    most: Math.min(
      numberOr(maximum, Number.POSITIVE_INFINITY),
      typeof below === 'number' ? tight(below, -1) : Number.POSITIVE_INFINITY,
    ),
  };
}

function isIntegerList(type: Json | undefined): boolean {
  return Array.isArray(type) && type.includes('integer') && !type.includes('number');
}

function numberOr(value: Json | undefined, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

function bound(value: Json | undefined, otherwise: number): number {
  return typeof value === 'number' && value >= 0 ? value : otherwise;
}
