// What a client sends, in a form that stays the same from run to run and from machine to machine, and the file that
// says what it sent before: a new version of a client that asks otherwise is then seen at once.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RecordedRequest } from './recorder.ts';

/** A way in which a client asks; how often it does is no part of it, since agents retry and ask in parallel. */
interface Shape {
  readonly request: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The members of each kind of body that it sends this way. */
  readonly bodies: readonly string[];
}

/** These say something about how a reply is read, and are the same everywhere. */
const SHOWN_VALUES = new Set(['accept', 'accept-encoding', 'connection', 'content-type', 'expect']);

function shapeOf({ method, path, headers }: RecordedRequest): Omit<Shape, 'bodies'> {
  const shown = headers
    .filter(([name]) => name !== 'host' && name !== 'content-length')
    .map(([name, value]): [string, string] => [name, shownValue(name, value)])
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { request: `${method} ${path}`, headers: Object.fromEntries(shown) };
}

function shownValue(name: string, value: string): string {
  if (SHOWN_VALUES.has(name)) return value;
  if (name === 'authorization') return value.replace(/ .*/, ' …');
  // Whose software it is, without versions and machines.
  if (name === 'user-agent') return value.replace(/[/ ].*/, '…');
  return '…';
}

/** The body's members; of those that say how to answer, also what they say. */
function memberNames(body: string): string {
  const members = JSON.parse(body) as Record<string, unknown>;
  return Object.entries(members)
    .map(([name, value]) =>
      ['stream', 'stream_options'].includes(name) ? `${name}=${JSON.stringify(value)}` : name,
    )
    .toSorted()
    .join(' ');
}

function shapesOf(requests: readonly RecordedRequest[]): Shape[] {
  const bodies = new Map<string, Set<string>>();
  for (const request of requests) {
    const key = JSON.stringify(shapeOf(request));
    const known = bodies.get(key) ?? new Set();
    bodies.set(key, request.body === '' ? known : known.add(memberNames(request.body)));
  }
  return [...bodies]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, names]) => ({
      ...(JSON.parse(key) as Omit<Shape, 'bodies'>),
      bodies: [...names].toSorted(),
    }));
}

/**
 * In what the requests differ from the client's golden file: '' where they do not. A client without a file gets one,
 * and so does every client where UPDATE_GOLDEN is set.
 */
export function compareWithGolden(name: string, requests: readonly RecordedRequest[]): string {
  const path = join(import.meta.dirname, 'golden', `${name}.json`);
  const seen = shapesOf(requests);
  if (!existsSync(path) || process.env['UPDATE_GOLDEN']) {
    writeFileSync(path, `${JSON.stringify(seen, null, 2)}\n`);
    return '';
  }
  const known = JSON.parse(readFileSync(path, 'utf8')) as Shape[];
  const lines = (shapes: Shape[]) =>
    shapes.flatMap(({ request, headers, bodies }) =>
      (bodies.length === 0 ? ['nothing'] : bodies).map(
        (body) => `${request} with ${JSON.stringify(headers)} and ${body}`,
      ),
    );
  const [before, now] = [lines(known), lines(seen)];
  return [
    ...now.filter((line) => !before.includes(line)).map((line) => `new: ${line}`),
    ...before.filter((line) => !now.includes(line)).map((line) => `not sent any more: ${line}`),
  ].join('\n');
}
