// Changes members of a JSON object in its text and leaves every other byte as it was.
import type { JsonDocument } from './document.ts';
import { LongText, type JsonText } from './long-text.ts';
import type { Member } from './members.ts';

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** What to do with a member: new JSON text for its value, or null to take the member out. */
export type Changes = Readonly<Record<string, string | null>>;

/**
 * `text` with the named top-level members replaced, removed, or, where they are absent, added at the end.
 * `members` are those of `text`; every value in `changes` is JSON text.
 */
export function withMembers(text: string, members: readonly Member[], changes: Changes): string {
  const { kept, added } = cut(editsFor(text.indexOf('{') + 1, members, changes), text.length);
  return kept.reduce(
    (result, [from, to], index) => result + text.slice(from, to) + (added[index] ?? ''),
    '',
  );
}

/** The document with the named members changed as by `withMembers`: as bytes, without a copy, where it has an outline. */
export function spliced(document: JsonDocument, changes: Changes): JsonText {
  const { outline } = document;
  if (!outline) return withMembers(document.text, document.members, changes);
  const { parts, members } = outline;
  const { kept, added } = cut(editsFor(outline.start(0) + 1, members, changes), parts.length);
  const pieces: Uint8Array[] = [];
  for (const [index, [from, to]] of kept.entries()) {
    if (to > from) pieces.push(...parts.between(from, to));
    const text = added[index];
    if (text) pieces.push(Buffer.from(text));
  }
  return new LongText(pieces, {
    mayHave: (name) => name in changes || has(members, name),
  });
}

/** The document with another value for one member; undefined where it has none of this name. */
export function replaced(document: JsonDocument, key: string, value: string): JsonText | undefined {
  const { outline } = document;
  const { members } = outline ?? document;
  const member = members.find((candidate) => candidate.key === key);
  if (!member) return undefined;
  const { valueStart, valueEnd } = member;
  if (!outline) return document.text.slice(0, valueStart) + value + document.text.slice(valueEnd);
  const { parts } = outline;
  const before = parts.between(0, valueStart);
  const after = parts.between(valueEnd, parts.length);
  return new LongText([...before, Buffer.from(value), ...after], {
    mayHave: (name) => has(members, name),
  });
}

function has(members: readonly Member[], name: string): boolean {
  return members.some(({ key }) => key === name);
}

/** `open`: where the object begins within its brace. */
function editsFor(open: number, members: readonly Member[], changes: Changes): Edit[] {
  const removals = membersToRemove(members, changes);
  const edits: Edit[] = removals.map((run) => removal(open, members, run));
  for (const { key, valueStart, valueEnd } of members) {
    const value = changes[key];
    if (typeof value === 'string') edits.push({ start: valueStart, end: valueEnd, text: value });
  }
  const addition = missingMembers(members, changes);
  if (addition !== '') {
    const last = members.findLast(({ key }) => changes[key] !== null);
    const at = last?.valueEnd ?? open;
    edits.push({ start: at, end: at, text: last ? `,${addition}` : addition });
  }
  return edits;
}

/** Runs of neighbouring members that go, as [first, last] indexes: a run takes one comma with it, not one each. */
function membersToRemove(members: readonly Member[], changes: Changes): [number, number][] {
  const runs: [number, number][] = [];
  members.forEach(({ key }, index) => {
    if (changes[key] !== null) return;
    const open = runs.at(-1);
    if (open && open[1] === index - 1) open[1] = index;
    else runs.push([index, index]);
  });
  return runs;
}

function removal(open: number, members: readonly Member[], [first, last]: [number, number]): Edit {
  const before = members[first - 1];
  const after = members[last + 1];
  const end = members[last]?.valueEnd ?? open;
  if (before) return { start: before.valueEnd, end, text: '' };
  return { start: open, end: after?.start ?? end, text: '' };
}

function missingMembers(members: readonly Member[], changes: Changes): string {
  return Object.entries(changes)
    .filter(([key, value]) => value !== null && !members.some((member) => member.key === key))
    .map(([key, value]) => `${JSON.stringify(key)}:${value}`)
    .join(',');
}

/** The ranges that stay, and what comes after each of them. */
interface Cut {
  readonly kept: readonly (readonly [from: number, to: number])[];
  readonly added: readonly string[];
}

function cut(edits: Edit[], length: number): Cut {
  // An insertion at the end of a replaced value comes after it: sort by start, then by end.
  edits.sort((a, b) => a.start - b.start || a.end - b.end);
  const ends = [0, ...edits.map(({ end }) => end)];
  return {
    kept: ends.map((from, index) => [from, edits[index]?.start ?? length]),
    added: edits.map((edit) => edit.text),
  };
}
