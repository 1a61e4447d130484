// The models that can be asked, from /v1/info.
import { askJson, failureOf } from './ask-gateway.ts';
import { chosenModel, models, modelsFailure } from './state.ts';

export interface Model {
  readonly alias: string;
  readonly family: string | null;
  readonly license: string | null;
  readonly context_window: number | null;
  readonly modalities: { readonly input: readonly string[]; readonly output: readonly string[] };
  readonly capabilities: {
    readonly tools: boolean;
    readonly vision: boolean;
    readonly reasoning: boolean | string;
    readonly json_mode: boolean;
    readonly image_generation: boolean;
  };
  readonly backends: readonly Backend[];
  readonly constraints: {
    readonly min_max_tokens: number | null;
    readonly typical_response_seconds: number | null;
  };
}

export interface Backend {
  readonly upstream: string;
  readonly kind: string;
  readonly model: string;
  readonly local: boolean;
  readonly healthy: boolean | null;
  readonly latency_ms: number | null;
  readonly context_tokens: number | null;
}

export type ModelHealth = 'ok' | 'warn' | 'danger' | 'unknown';

/** Of all that could answer for it. */
export function healthOf({ backends }: Pick<Model, 'backends'>): ModelHealth {
  const known = backends.map(({ healthy }) => healthy);
  if (known.every((healthy) => healthy === null)) return 'unknown';
  if (known.every((healthy) => healthy === false)) return 'danger';
  return known.includes(false) ? 'warn' : 'ok';
}

export const HEALTH_WORDS: Readonly<Record<ModelHealth, string>> = {
  ok: 'answers',
  warn: 'some of its upstreams are down',
  danger: 'does not answer',
  unknown: 'not asked yet',
};

export async function loadModels(): Promise<void> {
  try {
    const info = await askJson<{ models: readonly Model[] }>('/v1/info');
    models.value = info.models;
    modelsFailure.value = null;
    if (!info.models.some(({ alias }) => alias === chosenModel.value))
      chosenModel.value = info.models[0]?.alias ?? '';
  } catch (thrown) {
    modelsFailure.value = failureOf(thrown);
  }
}

export function modelInUse(): Model | null {
  return models.value.find(({ alias }) => alias === chosenModel.value) ?? null;
}
