// Values that stand elsewhere: `env:NAME` and `file:/path`, so that a configuration file can be shown around while
// its secrets stay out of it.

import { resolve } from 'node:path';
import type { Environment } from './overrides.ts';
import { formatPath, type Problem } from './problems.ts';
import { isTree, newTree, type Tree } from './tree.ts';

export type ReadFile = (path: string) => string;

export interface ReferenceSources {
  readonly env: Environment;
  readonly cwd: string;
  readonly readFile: ReadFile;
}

export interface Resolved {
  readonly tree: Tree;
  /** Paths whose value came by reference: it may be a secret, so no message may show it. */
  readonly referred: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

/** The tree with every reference replaced by what it stands for; an unresolved one is left out and reported. */
export function resolveReferences(tree: Tree, sources: ReferenceSources): Resolved {
  const problems: Problem[] = [];
  const referred = new Set<string>();

  function visit(value: unknown, path: readonly PropertyKey[]): unknown {
    if (Array.isArray(value)) return value.map((item, index) => visit(item, [...path, index]));
    if (isTree(value)) return visitTree(value, path);
    if (typeof value !== 'string' || !/^(env|file):/.test(value)) return value;
    const place = formatPath(path);
    const found = lookUp(value, sources);
    if (found.value === undefined) problems.push({ path: place, message: found.problem });
    else referred.add(place);
    return found.value;
  }

  function visitTree(from: Tree, path: readonly PropertyKey[]): Tree {
    const copy = newTree();
    for (const [key, member] of Object.entries(from)) copy[key] = visit(member, [...path, key]);
    return copy;
  }

  return { tree: visitTree(tree, []), referred, problems };
}

type LookUp = { readonly value: string } | { readonly value: undefined; readonly problem: string };

function lookUp(reference: string, { env, cwd, readFile }: ReferenceSources): LookUp {
  const rest = reference.slice(reference.indexOf(':') + 1);
  if (reference.startsWith('env:')) {
    if (!/^[A-Za-z_]\w*$/.test(rest)) {
      return {
        value: undefined,
        problem: 'expected the name of an environment variable after env:',
      };
    }
    const value = env[rest];
    if (value !== undefined && value !== '') return { value };
    const state = value === '' ? 'is empty' : 'is not set';
    return { value: undefined, problem: `environment variable ${rest} ${state}` };
  }
  const path = resolve(cwd, rest.replace(/^\/\/(?=\/)/, ''));
  try {
    const value = readFile(path).replace(/\r?\n$/, '');
    return value === '' ? { value: undefined, problem: `file ${path} is empty` } : { value };
  } catch (error) {
    return { value: undefined, problem: `cannot read file ${path}: ${fileFault(error)}` };
  }
}

/** Why a file could not be read, without its path, which the message has already. */
export function fileFault(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a directory';
  return error instanceof Error ? error.message : String(error);
}
