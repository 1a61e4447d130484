// What no schema can say because it joins two places: targets name upstreams, chains name aliases, and some kinds of
// upstream need an address. Works on settings that may be wrong in other ways, so that all problems come out at once.

import { didYouMean, formatPath, type Problem } from './problems.ts';
import { isTree, treeAt, type Tree } from './tree.ts';
import { hasKnownAddress, isNativeOllama } from './upstreams.ts';

/** `written`: the operator's own settings; `merged`: all models, those of the default catalogue included. */
export function crossCheck(written: Tree, merged: Tree): Problem[] {
  const upstreams = treeAt(written, 'upstreams');
  return [
    ...Object.entries(upstreams).flatMap(([name, upstream]) => [
      ...checkAddress(name, upstream),
      ...checkKeepAlive(name, upstream),
      ...checkAzure(name, upstream),
    ]),
    ...Object.entries(treeAt(written, 'models')).flatMap(([alias, model]) =>
      isTree(model) ? checkModel(alias, model, { upstreams, merged }) : [],
    ),
    ...findCircles(merged),
  ];
}

function checkAddress(name: string, upstream: unknown): Problem[] {
  if (!isTree(upstream) || upstream['base_url'] !== undefined) return [];
  const kind = upstream['kind'];
  if (typeof kind !== 'string' || hasKnownAddress(kind)) return [];
  return [{ path: formatPath(['upstreams', name, 'base_url']), message: `is missing` }];
}

/** The older addresses name the deployment and a version; the v1 API takes the deployment as the model. */
function checkAzure(name: string, upstream: unknown): Problem[] {
  if (!isTree(upstream) || upstream['kind'] !== 'azure') return [];
  const { base_url: url } = upstream;
  if (typeof url !== 'string' || !url.includes('/deployments/')) return [];
  const message =
    'is an address of a single deployment; use https://NAME.openai.azure.com/openai/v1, with the deployment as the model of a target';
  return [{ path: formatPath(['upstreams', name, 'base_url']), message }];
}

const NATIVE_ONLY = "works over Ollama's own API only: it needs an upstream of kind ollama";

function checkKeepAlive(name: string, upstream: unknown): Problem[] {
  if (!isTree(upstream) || upstream['keep_alive'] === undefined) return [];
  return nativeProblem(upstream, ['upstreams', name, 'keep_alive']);
}

function nativeProblem(upstream: Tree, path: readonly PropertyKey[]): Problem[] {
  if (upstream['kind'] !== 'ollama') return [{ path: formatPath(path), message: NATIVE_ONLY }];
  const { base_url } = upstream;
  if (typeof base_url !== 'string' || isNativeOllama({ kind: 'ollama', base_url })) return [];
  const message = `${NATIVE_ONLY}, and its base_url without /v1`;
  return [{ path: formatPath(path), message }];
}

interface Names {
  readonly upstreams: Tree;
  readonly merged: Tree;
}

function checkModel(alias: string, model: Tree, names: Names): Problem[] {
  const path = formatPath(['models', alias]);
  const whole = treeAt(names.merged, alias);
  const hasAnswer = whole['targets'] !== undefined || whole['chain'] !== undefined;
  if (isDisabled(model)) {
    if (hasAnswer) return [];
    const near = didYouMean(alias, answerable(names.merged));
    return [{ path, message: `there is no such alias to take away${near}` }];
  }
  if (!hasAnswer) {
    const near = didYouMean(alias, answerable(names.merged));
    return [{ path, message: `needs targets or a chain${near}` }];
  }
  if (model['targets'] !== undefined && model['chain'] !== undefined) {
    return [{ path, message: 'has both targets and a chain; give one of them' }];
  }
  return [...checkTargets(alias, model, names.upstreams), ...checkChain(alias, model, names)];
}

function isDisabled(model: unknown): boolean {
  return isTree(model) && (model['enabled'] === false || model['enabled'] === 'false');
}

/** Aliases that have someone to answer, and so are worth suggesting. */
function answerable(merged: Tree): string[] {
  return Object.entries(merged)
    .filter(([, model]) => isTree(model) && (model['targets'] ?? model['chain']) !== undefined)
    .map(([alias]) => alias);
}

function checkTargets(alias: string, model: Tree, upstreams: Tree): Problem[] {
  const { targets } = model;
  if (!Array.isArray(targets)) return [];
  return targets.flatMap((target: unknown, index): Problem[] => {
    const name = isTree(target) ? target['upstream'] : undefined;
    if (typeof name !== 'string') return [];
    const upstream = upstreams[name];
    if (upstream !== undefined) {
      if (!isTree(upstream) || !isTree(target) || target['num_ctx'] === undefined) return [];
      return nativeProblem(upstream, ['models', alias, 'targets', index, 'num_ctx']);
    }
    const path = formatPath(['models', alias, 'targets', index, 'upstream']);
    const near = didYouMean(name, Object.keys(upstreams));
    return [{ path, message: `no upstream is called ${JSON.stringify(name)}${near}` }];
  });
}

function checkChain(alias: string, model: Tree, { merged }: Names): Problem[] {
  const { chain } = model;
  if (!Array.isArray(chain)) return [];
  return chain.flatMap((member: unknown, index): Problem[] => {
    if (typeof member !== 'string') return [];
    const path = formatPath(['models', alias, 'chain', index]);
    const shown = JSON.stringify(member);
    if (merged[member] === undefined) {
      const near = didYouMean(member, Object.keys(merged));
      return [{ path, message: `no alias is called ${shown}${near}` }];
    }
    return isDisabled(merged[member]) ? [{ path, message: `the alias ${shown} is disabled` }] : [];
  });
}

function findCircles(merged: Tree): Problem[] {
  const problems: Problem[] = [];
  const done = new Set<string>();

  function follow(alias: string, trail: readonly string[]): void {
    if (trail.includes(alias)) {
      const circle = [...trail.slice(trail.indexOf(alias)), alias].join(' -> ');
      const path = formatPath(['models', alias, 'chain']);
      problems.push({ path, message: `goes round in a circle: ${circle}` });
      return;
    }
    if (done.has(alias)) return;
    const { chain } = treeAt(merged, alias);
    if (Array.isArray(chain)) {
      for (const member of chain) {
        if (typeof member === 'string') follow(member, [...trail, alias]);
      }
    }
    done.add(alias);
  }

  for (const alias of Object.keys(merged)) follow(alias, []);
  return problems;
}
