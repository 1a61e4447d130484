// From the configured models to the aliases that the gateway routes: each with its targets and how they are asked.
import type { Config } from '../config/schema.ts';
import { isNativeOllama, timeoutsFor } from '../config/upstreams.ts';
import { headersFor } from '../providers/credential-header.ts';
import type { OllamaSettings, Target } from '../providers/provider.ts';
import type { Alias } from '../routing/catalog.ts';

export function aliasesOf(config: Config): Alias[] {
  return Object.keys(config.models).map((name) => aliasOf(name, config));
}

function aliasOf(name: string, { models, upstreams }: Config): Alias {
  const model = models[name];
  if (!model) throw new TypeError(`no model ${name}`);
  const targets = model.targets.map((target, index): Target => {
    const upstream = upstreams[target.upstream];
    if (!upstream) throw new TypeError(`no upstream ${target.upstream}`);
    return {
      upstream: target.upstream,
      kind: upstream.kind,
      baseUrl: upstream.base_url,
      headers: headersFor(upstream),
      model: target.model,
      // A rank of its own for everyone but replicas, who share theirs.
      rank: target.replica_group === undefined ? index : -1 - target.replica_group,
      weight: target.weight ?? 1,
      timeouts: timeoutsFor(upstream, model),
      ...(upstream.reasoning_history === undefined
        ? {}
        : { reasoningHistory: upstream.reasoning_history }),
      ...(model.capabilities.image_generation ? { outputModalities: model.modalities.output } : {}),
      ...(isNativeOllama(upstream) ? { ollama: ollamaSettings(upstream, target) } : {}),
    };
  });
  return {
    name,
    family: model.family,
    license: model.license,
    contextWindow: model.context_window,
    modalities: model.modalities,
    capabilities: model.capabilities,
    minMaxTokens: model.min_max_tokens ?? null,
    typicalResponseSeconds: model.typical_response_seconds ?? null,
    hedgeMs: model.hedge_ms ?? null,
    targets,
  };
}

function ollamaSettings(
  { keep_alive }: Config['upstreams'][string],
  { num_ctx }: Config['models'][string]['targets'][number],
): OllamaSettings {
  return {
    ...(num_ctx === undefined ? {} : { numCtx: num_ctx }),
    ...(keep_alive === undefined ? {} : { keepAlive: keep_alive }),
  };
}
