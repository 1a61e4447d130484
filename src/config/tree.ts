// Settings as written, before the schema sees them. Every mapping is copied into an object without a prototype, so
// that a key such as __proto__ is only a name, and is refused as one instead of being merged.

import { formatPath, type Problem } from './problems.ts';

export interface Tree {
  [key: string]: unknown;
}

/** Deeper than any setting goes; a YAML anchor that contains itself ends here. */
const MAX_DEPTH = 16;

const UNSAFE_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

export function newTree(): Tree {
  const tree: Tree = Object.create(null);
  return tree;
}

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The mapping at a key, or an empty one where there is none. */
export function treeAt(tree: Tree, key: string): Tree {
  const value = tree[key];
  return isTree(value) ? value : newTree();
}

/**
 * A safe copy. A key without a value counts as absent, as when all lines below it are commented out; only an alias
 * without a value means something: it is taken away.
 */
export function copyTree(
  value: unknown,
  problems: Problem[],
  path: readonly PropertyKey[] = [],
): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (path.length > MAX_DEPTH) {
    problems.push({
      path: formatPath(path.slice(0, 4)),
      message: 'is nested too deeply, or contains itself',
    });
    return undefined;
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => copyTree(item, problems, [...path, index]));
  }
  const copy = newTree();
  for (const [key, member] of Object.entries(value)) {
    if (UNSAFE_KEYS.has(key)) {
      problems.push({ path: formatPath([...path, key]), message: 'unknown key' });
    } else if (member === null || member === undefined) {
      if (path.length === 1 && path[0] === 'models') copy[key] = disabledModel();
    } else copy[key] = copyTree(member, problems, [...path, key]);
  }
  return copy;
}

function disabledModel(): Tree {
  const model = newTree();
  model['enabled'] = false;
  return model;
}

/** Puts a value at a path, making the mappings on the way; false if a key is unsafe or something else is there. */
export function assign(tree: Tree, path: readonly string[], value: unknown): boolean {
  const last = path.at(-1);
  if (last === undefined || path.some((key) => UNSAFE_KEYS.has(key))) return false;
  let at = tree;
  for (const key of path.slice(0, -1)) {
    const next = (at[key] ??= newTree());
    if (!isTree(next)) return false;
    at = next;
  }
  at[last] = value;
  return true;
}

/** `over` on top of `base`: mappings are merged key by key, anything else is replaced. Neither is changed. */
export function mergeTrees(base: Tree, over: Tree): Tree {
  const merged = newTree();
  Object.assign(merged, base);
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isTree(below) && isTree(value) ? mergeTrees(below, value) : value;
  }
  return merged;
}
