// Reads the YAML file. Bun's parser names neither the line of a mistake nor a key that is there twice (it keeps the
// last), so both are found here: each matters to somebody who edits the file by hand.

import { formatPath, type Problem } from './problems.ts';
import { copyTree, isTree, newTree, type Tree } from './tree.ts';

/** The file's settings; an empty tree, and problems, where it is not one mapping. */
export function parseYamlFile(text: string, name: string, problems: Problem[]): Tree {
  let parsed: unknown;
  try {
    parsed = Bun.YAML.parse(text);
  } catch (error) {
    problems.push({ path: name, message: `${syntaxMessage(error)} ${lineOfMistake(text)}` });
    return newTree();
  }
  if (parsed === null || parsed === undefined) return newTree();
  if (!isTree(parsed)) {
    problems.push({ path: name, message: 'expected one mapping of settings' });
    return newTree();
  }
  problems.push(...repeatedKeys(text));
  const tree = copyTree(parsed, problems);
  return isTree(tree) ? tree : newTree();
}

function syntaxMessage(error: unknown): string {
  const detail = error instanceof Error ? error.message.replace(/^YAML Parse error: /, '') : '';
  return `not valid YAML: ${detail}`;
}

/** Where the mistake is, as far as it can be told: just after the longest beginning of the file that reads well. */
function lineOfMistake(text: string): string {
  const lines = text.split('\n');
  for (let count = lines.length - 1; count > 0; count--) {
    if (readsWell(lines.slice(0, count).join('\n'))) return `(in line ${count + 1} or below)`;
  }
  return '(in line 1 or below)';
}

function readsWell(text: string): boolean {
  try {
    Bun.YAML.parse(text);
    return true;
  } catch {
    return false;
  }
}

const MARK = '\u{E000}';

/** A key: a plain or quoted word, followed by a colon and a space or the end of the line. */
const KEY = /(^|[\s{,[])("[^"\n]*"|'[^'\n]*'|[A-Za-z0-9_][\w./:-]*)(?=[ \t]*:(?:\s|$))/gm;

/**
 * Marks every key with its line, which makes it unique, lets the parser say which keys share a mapping, and compares
 * them without the marks. What looks like a key inside a text or a comment is marked too, and does no harm there.
 */
function repeatedKeys(text: string): Problem[] {
  if (text.includes('<<') || text.includes(MARK)) return []; // a merged mapping may repeat keys rightly
  let line = 1;
  let counted = 0;
  const marked = text.replace(KEY, (...match: [string, string, string, number]) => {
    const [, before, key, offset] = match;
    const start = offset + before.length;
    for (; counted < start; counted++) if (text[counted] === '\n') line++;
    const mark = `${MARK}${line}.${start}`;
    const quote = key[0] === '"' || key[0] === "'" ? key[0] : '';
    return quote === '' ? before + key + mark : before + key.slice(0, -1) + mark + quote;
  });
  if (!readsWell(marked)) return [];
  const problems: Problem[] = [];
  findRepeated(Bun.YAML.parse(marked), [], problems);
  return problems;
}

function findRepeated(value: unknown, path: readonly PropertyKey[], problems: Problem[]): void {
  if (typeof value !== 'object' || value === null || path.length > 16) return;
  if (Array.isArray(value)) {
    value.forEach((item, index) => findRepeated(item, [...path, index], problems));
    return;
  }
  const lines = new Map<string, string>();
  for (const [marked, member] of Object.entries(value)) {
    const [key = '', mark = ''] = marked.split(MARK);
    const line = mark.split('.')[0] ?? '';
    const first = lines.get(key);
    if (first !== undefined) {
      problems.push({
        path: formatPath([...path, key]),
        message: `is there twice, in lines ${first} and ${line}`,
      });
    }
    lines.set(key, line);
    findRepeated(member, [...path, key], problems);
  }
}
