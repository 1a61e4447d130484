// GET /v1/models, /v1/models/{id} and /v1/info: what can be asked for.
import { GatewayError } from '../../domain/errors.ts';
import { isLoaded } from '../../providers/insight/insight.ts';
import type { Alias, Catalog } from '../../routing/catalog.ts';
import type { Health } from '../../routing/health.ts';
import type { Router } from '../../routing/router.ts';
import type { HttpContext } from '../exchange.ts';
import { shownHealth, shownModels } from '../shown-health.ts';
import type { AliasInfo, Info, ModelEntry, ModelList } from './model-shapes.ts';

export interface ModelsDeps {
  readonly catalog: Catalog;
  readonly health: Pick<Health, 'of' | 'all'>;
  readonly router: Pick<Router, 'statusOf' | 'contextOf'>;
  readonly version: string;
  readonly configHash: string;
  /** Unix seconds at which the gateway started: what `created` says of every alias. */
  readonly startedAt: number;
  isLocal(baseUrl: string): boolean;
}

export function listModels({ catalog, startedAt }: ModelsDeps) {
  const data = catalog.aliases.map((alias) => openAiModel(alias, startedAt));
  return (context: HttpContext): Response =>
    context.json({ object: 'list', data } satisfies ModelList);
}

export function getModel({ catalog, startedAt }: ModelsDeps) {
  return (context: HttpContext): Response => {
    const name = context.req.param('id') ?? '';
    const alias = catalog.aliases.find((candidate) => candidate.name === name);
    if (alias) return context.json(openAiModel(alias, startedAt));
    throw new GatewayError('model_not_found', {
      message: `The model ${JSON.stringify(name.slice(0, 100))} is not served here. GET /v1/models lists those that are.`,
      param: 'id',
    });
  };
}

export function getInfo(deps: ModelsDeps) {
  return (context: HttpContext): Response =>
    context.json({
      version: deps.version,
      config_hash: deps.configHash,
      models: deps.catalog.aliases.map((alias) => infoOf(alias, deps)),
      upstreams: deps.health.all().map((health) => ({
        ...shownHealth(health),
        available_models: shownModels(health.insight?.availableModels),
      })),
    } satisfies Info);
}

function openAiModel({ name, targets }: Alias, startedAt: number): ModelEntry {
  return {
    id: name,
    object: 'model',
    created: startedAt,
    owned_by: targets[0]?.upstream ?? 'gateway',
  };
}

function infoOf(alias: Alias, { health, router, isLocal }: ModelsDeps): AliasInfo {
  return {
    alias: alias.name,
    family: alias.family,
    license: alias.license,
    context_window: alias.contextWindow,
    modalities: alias.modalities,
    capabilities: alias.capabilities,
    backends: alias.targets.map((target) => {
      const { upstream, kind, model, baseUrl } = target;
      const known = health.of(upstream);
      return {
        upstream,
        kind,
        model,
        local: isLocal(baseUrl),
        healthy: known?.healthy ?? null,
        latency_ms: known?.latencyMs ?? null,
        context_tokens: router.contextOf(target),
        loaded: isLoaded(known?.insight ?? null, model),
        // circuit, running, waiting: what the gateway itself knows of it.
        ...router.statusOf(target),
      };
    }),
    constraints: {
      min_max_tokens: alias.minMaxTokens,
      accepts_image_url: false,
      typical_response_seconds: alias.typicalResponseSeconds,
    },
  };
}
