// In which order an alias's targets are tried: as configured, replicas by the key of what is asked, the target that
// holds a conversation's KV cache first, and those that are known to be in trouble last.
import { GatewayError } from '../domain/errors.ts';
import type { Target } from '../providers/provider.ts';
import type { Alias } from './catalog.ts';
import { preferenceOf } from './rendezvous.ts';

export interface Preference {
  /** Only the targets at this upstream; null for all. */
  readonly provider?: string | null;
  /** The target that answered last and has its prompt in the cache. */
  readonly holdsCache?: Pick<Target, 'upstream' | 'model'> | null;
  /** What goes to one replica goes there again: a conversation's id, or what begins a prompt. */
  key(): string;
}

export interface PlanDeps {
  /** Whether a target should be asked only after the others. */
  isInTrouble(target: Target): boolean;
  /** Requests that run at an upstream. */
  loadOf(upstream: string): number;
}

export type Plan = readonly [Target, ...Target[]];

/** The targets of `alias` in the order of trying. A provider that does not serve the alias is `invalid_field`. */
export function planTargets(alias: Alias, preference: Preference, deps: PlanDeps): Plan {
  const { provider = null } = preference;
  // Nearly always there is nothing to choose from.
  if (provider === null && isOne(alias.targets)) return alias.targets;
  const candidates =
    provider === null
      ? alias.targets
      : alias.targets.filter(({ upstream }) => upstream === provider);
  const [first, ...rest] = candidates;
  if (!first) throw unknownProvider(alias, provider);
  if (rest.length === 0) return [first];
  const ordered = withReplicasOrdered(candidates, preference, deps);
  const { holdsCache } = preference;
  const rank = (target: Target) =>
    deps.isInTrouble(target) ? 2 : holdsCache && isSame(target, holdsCache) ? 0 : 1;
  const [best = first, ...others] = ordered.toSorted((a, b) => rank(a) - rank(b));
  return [best, ...others];
}

function isOne(targets: readonly Target[]): targets is Plan {
  return targets.length === 1;
}

function isSame(target: Target, other: Pick<Target, 'upstream' | 'model'>): boolean {
  return target.upstream === other.upstream && target.model === other.model;
}

/** Targets of one rank are replicas of each other: which comes first is the key's choice. */
function withReplicasOrdered(
  targets: readonly Target[],
  preference: Preference,
  { loadOf }: PlanDeps,
): readonly Target[] {
  const ranks = Map.groupBy(targets, ({ rank }) => rank);
  if (ranks.size === targets.length) return targets;
  return [...ranks.values()].flatMap((replicas) => {
    if (replicas.length === 1) return replicas;
    const weighed = replicas.map((target) => ({
      target,
      id: `${target.upstream}\n${target.model}`,
      weight: target.weight,
      load: loadOf(target.upstream),
    }));
    return preferenceOf(weighed, preference.key()).map(({ target }) => target);
  });
}

function unknownProvider(alias: Alias, provider: string | null): GatewayError {
  const known = [...new Set(alias.targets.map(({ upstream }) => upstream))].join(', ');
  return new GatewayError('invalid_field', {
    message: `The provider ${JSON.stringify(provider)} does not serve "${alias.name}". Choose one of: ${known}.`,
    param: 'provider',
  });
}
