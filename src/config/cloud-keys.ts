// Clouds that need no configuration but a key in the environment, under the variable that everybody uses for it.

import { mergeCatalogue } from './catalogue.ts';
import type { Environment, Origins } from './overrides.ts';
import { assign, isTree, newTree, treeAt, type Tree } from './tree.ts';

interface Cloud {
  /** Of the upstream, and its kind. */
  readonly name: string;
  readonly variable: string;
  readonly brand: string;
}

/** A model's own cloud before the one that resells it, as in the catalogue. */
const CLOUDS: readonly Cloud[] = [
  { name: 'openai', variable: 'OPENAI_API_KEY', brand: 'OpenAI' },
  { name: 'anthropic', variable: 'ANTHROPIC_API_KEY', brand: 'Anthropic' },
  { name: 'gemini', variable: 'GEMINI_API_KEY', brand: 'Gemini' },
  { name: 'openrouter', variable: 'OPENROUTER_API_KEY', brand: 'OpenRouter' },
];

/**
 * Adds an upstream for every key, if an alias has a target there: for settings that name no upstream, as a key never
 * adds one to those that were chosen. Returns what was decided, in sentences.
 */
export function addClouds(tree: Tree, origins: Origins, env: Environment): string[] {
  const targeted = targetedUpstreams(tree);
  return CLOUDS.flatMap(({ name, variable, brand }) => {
    const key = env[variable];
    if (key === undefined || key === '') return [];
    // An upstream that answers for nothing would only keep the demo engine away.
    if (!targeted.has(name)) {
      return [`${variable} is set, but no alias has a target at ${brand}, so it is not used.`];
    }
    const upstream = Object.assign(newTree(), { kind: name, api_key: key });
    if (!assign(tree, ['upstreams', name], upstream)) return [];
    origins.set(`upstreams.${name}.api_key`, variable);
    return [`${variable} is set, so ${brand} answers for its models.`];
  });
}

/** The names of upstreams in all targets, also of what may be wrong with them otherwise. */
function targetedUpstreams(tree: Tree): ReadonlySet<unknown> {
  const models = mergeCatalogue(treeAt(tree, 'models'), tree['catalogue']);
  return new Set(
    Object.keys(models).flatMap((alias) => {
      const { targets } = treeAt(models, alias);
      return Array.isArray(targets)
        ? targets.map((target) => (isTree(target) ? target['upstream'] : undefined))
        : [];
    }),
  );
}
