// From what is written about models to the list of what is served: the default catalogue with the operator's entries
// on top, targets only where an upstream is configured, chains laid out.

import defaultModels from './default-models.yaml';
import type { Config, Model, Settings, Target } from './schema.ts';
import { copyTree, isTree, mergeTrees, newTree, treeAt, type Tree } from './tree.ts';

/** The default catalogue as settings: a fresh copy. */
export function defaultCatalogue(): Tree {
  const tree = copyTree(defaultModels, []);
  return isTree(tree) ? tree : newTree();
}

/** The written models over the default ones, per alias; targets and chain replace each other. */
export function mergeCatalogue(written: Tree, catalogue: unknown): Tree {
  const defaults = catalogue === 'replace' ? newTree() : defaultCatalogue();
  const merged = newTree();
  Object.assign(merged, defaults);
  for (const [alias, model] of Object.entries(written)) {
    if (!isTree(model)) {
      merged[alias] = model;
      continue;
    }
    const base = mergeTrees(newTree(), treeAt(defaults, alias));
    if (model['targets'] !== undefined) delete base['chain'];
    if (model['chain'] !== undefined) delete base['targets'];
    merged[alias] = withImpliedMetadata(mergeTrees(base, model));
  }
  return merged;
}

/** Vision means images go in, image generation means they come out, and the other way round: one is enough. */
function withImpliedMetadata(model: Tree): Tree {
  const capabilities = treeAt(model, 'capabilities');
  const modalities = treeAt(model, 'modalities');
  const implied = newTree();
  implied['modalities'] = mergeTrees(newTree(), {
    ...(isOn(capabilities['vision']) && { input: ['text', 'image'] }),
    ...(isOn(capabilities['image_generation']) && { output: ['text', 'image'] }),
  });
  implied['capabilities'] = mergeTrees(newTree(), {
    ...(hasImage(modalities['input']) && { vision: true }),
    ...(hasImage(modalities['output']) && { image_generation: true }),
  });
  return mergeTrees(implied, model);
}

function isOn(value: unknown): boolean {
  return value === true || value === 'true';
}

function hasImage(value: unknown): boolean {
  return Array.isArray(value) && value.includes('image');
}

type Served = Pick<Config, 'models' | 'unserved_models' | 'disabled_models'>;

/** The checked models as the gateway uses them, given the names of the upstreams that there are. */
export function serveModels(
  models: Settings['models'],
  upstreams: Readonly<Record<string, unknown>>,
): Served {
  const enabled = newRecord<Model>();
  const disabled: string[] = [];
  for (const [alias, { enabled: wanted, targets, ...model }] of Object.entries(models)) {
    if (!wanted) disabled.push(alias);
    else {
      const reachable = (targets ?? []).filter(({ upstream }) =>
        Object.hasOwn(upstreams, upstream),
      );
      enabled[alias] = { ...model, targets: withReplicaGroups(reachable) };
    }
  }
  return { ...layOut(enabled), disabled_models: disabled };
}

/** Weighted targets that stand side by side are replicas, and make a group. */
export function withReplicaGroups(targets: readonly Omit<Target, 'replica_group'>[]): Target[] {
  let group = 0;
  return targets.map((target) => {
    if (target.weight !== undefined) return { ...target, replica_group: group };
    group++;
    return target;
  });
}

/** Expands chains into targets, and parts the aliases that have any from those that have none. */
export function layOut(
  all: Readonly<Record<string, Model>>,
): Pick<Config, 'models' | 'unserved_models'> {
  const models = newRecord<Model>();
  const unserved = newRecord<Model>();
  for (const [alias, model] of Object.entries(all)) {
    const targets = targetsOf(alias, all, new Set());
    (targets.length > 0 ? models : unserved)[alias] = { ...model, targets };
  }
  return { models, unserved_models: unserved };
}

/** An alias's own targets, or those of its chain's members in order, each once. Circles are refused before this. */
function targetsOf(
  alias: string,
  all: Readonly<Record<string, Model>>,
  visited: Set<string>,
): Model['targets'] {
  const model = Object.hasOwn(all, alias) ? all[alias] : undefined;
  if (model === undefined || visited.has(alias)) return [];
  visited.add(alias);
  if (model.chain === undefined) return model.targets;
  const seen = new Set<string>();
  let groups = 0;
  return model.chain
    .flatMap((member) => {
      const targets = targetsOf(member, all, visited);
      const before = groups;
      groups += targets.length;
      return targets.map((target) => inGroupAfter(target, before));
    })
    .filter(({ upstream, model: name }) => {
      const key = `${upstream}\n${name}`;
      if (seen.has(key)) return false;
      seen.add(key);
      return true;
    });
}

/** Replicas of one member of a chain are none of another's. */
function inGroupAfter(target: Target, before: number): Target {
  const { replica_group } = target;
  return replica_group === undefined
    ? target
    : { ...target, replica_group: before + replica_group };
}

/** A record in which only its own names are found. */
export function newRecord<T>(): Record<string, T> {
  const record: Record<string, T> = Object.create(null);
  return record;
}
