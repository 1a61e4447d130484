// What the gateway serves where the operator named no upstream: the engines found on this machine, or else the
// built-in demo engine. Both give targets to the catalogue's aliases and keep what it says about them.

import { layOut, newRecord, withReplicaGroups } from './catalogue.ts';
import type { Engine } from './discover.ts';
import { freezeDeeply } from './freeze.ts';
import type { Config, Model, Target, Upstream } from './schema.ts';

/** The configuration with the engines as upstreams, and with targets on them, which come before all others. */
export function withDiscovered(config: Config, engines: readonly Engine[]): Config {
  const added = engines.filter(({ name }) => config.upstreams[name] === undefined);
  const upstreams = newRecord<Upstream>();
  Object.assign(upstreams, config.upstreams);
  const all = newRecord<Model>();
  Object.assign(all, config.models, config.unserved_models);
  for (const [alias, model] of Object.entries(all)) {
    const local = added.flatMap((engine) => matchingTargets(alias, engine));
    const own = model.chain === undefined ? withReplicaGroups([...local, ...model.targets]) : [];
    all[alias] = { ...model, targets: own };
  }
  for (const engine of added) {
    upstreams[engine.name] = localUpstream(engine.kind, engine.base_url);
    if (config.catalogue === 'extend') addServedModels(all, engine, config.disabled_models);
  }
  return freezeDeeply({ ...config, upstreams, ...layOut(all) });
}

/** The configuration with one upstream, `demo`, that answers for every alias under the alias's own name. */
export function demoConfig(config: Config, demoUrl: string): Config {
  const upstreams = newRecord<Upstream>();
  upstreams['demo'] = localUpstream('openai', demoUrl.replace(/\/+$/, ''));
  const models = newRecord<Model>();
  for (const [alias, model] of Object.entries({ ...config.models, ...config.unserved_models })) {
    const { chain: _, ...own } = model; // the demo engine plays a composite itself
    models[alias] = { ...own, targets: [{ upstream: 'demo', model: alias }] };
  }
  return freezeDeeply({ ...config, upstreams, models, unserved_models: newRecord<Model>() });
}

function localUpstream(kind: Upstream['kind'], baseUrl: string): Upstream {
  return {
    kind,
    base_url: baseUrl,
    headers: {},
    timeouts: { connect_ms: 5000 },
    max_queued: 64,
    queue_ms: 30_000,
  };
}

function matchingTargets(alias: string, { name, models }: Engine): Target[] {
  const served = models.find((id) => id === alias) ?? models.find((id) => isNamedLike(id, alias));
  return served === undefined ? [] : [{ upstream: name, model: served }];
}

/** Every model of an engine under the name that the engine has for it, unless an alias has that name already. */
function addServedModels(
  all: Record<string, Model>,
  engine: Engine,
  disabled: readonly string[],
): void {
  for (const id of engine.models) {
    if (disabled.includes(id)) continue;
    const target = { upstream: engine.name, model: id };
    const known = all[id];
    if (known === undefined) all[id] = plainModel(target, engine.context_windows[id]);
    else if (known.chain === undefined && !known.targets.some(isSame(target))) {
      all[id] = { ...known, targets: withReplicaGroups([...known.targets, target]) };
    }
  }
}

function isSame(target: Target): (other: Target) => boolean {
  return ({ upstream, model }) => upstream === target.upstream && model === target.model;
}

/** What can be said about a model of which only the name is known. It may well see: its engine refuses if it cannot. */
function plainModel(target: Target, contextWindow = 131_072): Model {
  return {
    family: 'custom',
    license: 'unknown',
    context_window: contextWindow,
    modalities: { input: ['text', 'image'], output: ['text'] },
    capabilities: {
      tools: true,
      vision: true,
      reasoning: false,
      json_mode: true,
      image_generation: false,
    },
    targets: [target],
  };
}

/**
 * Whether an engine's name for a model means the alias: `llama4:scout` and `nvidia/Llama-4-Scout-17B-16E` both contain
 * the words of `llama-4-scout`. Numbers are words of their own, so that a 4 is not found in 24.
 */
function isNamedLike(id: string, alias: string): boolean {
  return ` ${words(id)} `.includes(` ${words(alias)} `);
}

/** Letters and numbers apart, in lower case, without the count of active parameters (A3B), which aliases leave out. */
function words(name: string): string {
  const plain = name.toLowerCase().replaceAll(/[-_]a\d+(\.\d+)?b(?![a-z0-9])/g, '');
  return (plain.match(/[a-z]+|\d+/g) ?? []).join(' ');
}
