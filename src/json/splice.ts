// Changes members of a JSON object in its text and leaves every other byte as it was.
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
  return applyEdits(text, edits);
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

function applyEdits(text: string, edits: Edit[]): string {
  // An insertion at the end of a replaced value comes after it: sort by start, then by end.
  edits.sort((a, b) => a.start - b.start || a.end - b.end);
  let result = '';
  let from = 0;
  for (const edit of edits) {
    result += text.slice(from, edit.start) + edit.text;
    from = edit.end;
  }
  return result + text.slice(from);
}
