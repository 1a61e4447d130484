// Changes members of a JSON object in its text and leaves every other byte as it was.
import type { JsonDocument } from './document.ts';
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
  const { kept, added } = cut(text, editsFor(text, members, changes));
  return kept.reduce(
    (result, [from, to], index) => result + text.slice(from, to) + (added[index] ?? ''),
    '',
  );
}

/** The bytes of what `withMembers` gives, without a copy of those that stay; undefined where only text is at hand. */
export function splicedBytes(
  { text, members, bytes }: JsonDocument,
  changes: Changes,
): Uint8Array[] | undefined {
  if (!bytes) return undefined;
  const { kept, added } = cut(text, editsFor(text, members, changes));
  const offsets = byteOffsets(text, kept.flat(), bytes.length);
  const pieces = kept.flatMap((_, index) => [
    bytes.subarray(offsets[2 * index], offsets[2 * index + 1]),
    Buffer.from(added[index] ?? ''),
  ]);
  return pieces.filter(({ length }) => length > 0);
}

/** Where ascending offsets into a text are in its UTF-8. What is longest between two of them is not looked at. */
function byteOffsets(text: string, offsets: readonly number[], total: number): readonly number[] {
  if (total === text.length) return offsets;
  const steps = [...offsets, text.length].map(
    (to, index) => [offsets[index - 1] ?? 0, to] as const,
  );
  const longest = steps.reduce((long, step) =>
    step[1] - step[0] > long[1] - long[0] ? step : long,
  );
  const lengths = steps.map((step) =>
    step === longest ? 0 : Buffer.byteLength(text.slice(...step)),
  );
  const rest = total - lengths.reduce((sum, length) => sum + length);
  let at = 0;
  return offsets.map((_, index) => {
    const step = steps[index];
    return (at += step === longest ? rest : (lengths[index] ?? 0));
  });
}

function editsFor(text: string, members: readonly Member[], changes: Changes): Edit[] {
  const removals = membersToRemove(members, changes);
  const edits: Edit[] = removals.map((run) => removal(text, members, run));
  for (const { key, valueStart, valueEnd } of members) {
    const value = changes[key];
    if (typeof value === 'string') edits.push({ start: valueStart, end: valueEnd, text: value });
  }
  const addition = missingMembers(members, changes);
  if (addition !== '') {
    const last = members.findLast(({ key }) => changes[key] !== null);
    const at = last?.valueEnd ?? text.indexOf('{') + 1;
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

function removal(text: string, members: readonly Member[], [first, last]: [number, number]): Edit {
  const before = members[first - 1];
  const after = members[last + 1];
  const open = text.indexOf('{') + 1;
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

/** The ranges of the text that stay, and what comes after each of them. */
interface Cut {
  readonly kept: readonly (readonly [from: number, to: number])[];
  readonly added: readonly string[];
}

function cut(text: string, edits: Edit[]): Cut {
  // An insertion at the end of a replaced value comes after it: sort by start, then by end.
  edits.sort((a, b) => a.start - b.start || a.end - b.end);
  const ends = [0, ...edits.map(({ end }) => end)];
  return {
    kept: ends.map((from, index) => [from, edits[index]?.start ?? text.length]),
    added: edits.map((edit) => edit.text),
  };
}
