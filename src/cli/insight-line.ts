// What an upstream says of itself, in one line for a person; nothing of what it does not say.
import type { ProbedUpstream } from '../assembly/upstreams.ts';

type Insight = NonNullable<ProbedUpstream['insight']>;

/** Empty where it says nothing. */
export function insightLine(insight: Insight): string {
  const { engineVersion, runningRequests, waitingRequests, kvCacheUsage, cacheTiers } = insight;
  const facts: readonly (string | null)[] = [
    engineVersion && `version ${engineVersion}`,
    runningRequests === null ? null : `${runningRequests} running`,
    waitingRequests === null ? null : `${waitingRequests} waiting`,
    kvCacheUsage === null ? null : `KV cache ${percent(kvCacheUsage)} full`,
    hits('prefix', insight.prefixHitRatio),
    ...(cacheTiers ?? []).map(({ name, hitRatio }) => hits(name, hitRatio)),
    contexts(insight.contextTokens),
    insight.loadedModels && `loaded: ${insight.loadedModels.join(', ') || 'nothing'}`,
  ];
  const line = facts.filter((fact) => fact !== null && fact !== '').join('; ');
  // It comes from another machine, and goes to a terminal.
  return line.replaceAll(/\p{Cc}/gu, '?');
}

function hits(what: string, ratio: number | null): string | null {
  return ratio === null ? null : `${percent(ratio)} ${what} hits`;
}

/** Of many models only the range: their list is what /v1/info is for. */
function contexts(tokens: Insight['contextTokens']): string | null {
  if (!tokens || tokens.size === 0) return null;
  const sizes = [...tokens.values()];
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  return `context ${least === most ? least : `${least} to ${most}`} tokens`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}
