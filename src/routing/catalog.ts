// The aliases that may be asked for, what each can do, and the targets that can answer it.
import { GatewayError } from '../domain/errors.ts';
import type { Target } from '../providers/provider.ts';

/** What a client is told of an alias in GET /v1/info. */
export interface AliasFacts {
  readonly family: string | null;
  readonly license: string | null;
  /** Tokens; null when unknown. */
  readonly contextWindow: number | null;
  readonly modalities: { readonly input: readonly string[]; readonly output: readonly string[] };
  readonly capabilities: {
    readonly tools: boolean;
    readonly vision: boolean;
    readonly reasoning: boolean | 'configurable';
    readonly json_mode: boolean;
    readonly image_generation: boolean;
  };
  /** The floor that smaller token limits are raised to; null for none. */
  readonly minMaxTokens: number | null;
  readonly typicalResponseSeconds: number | null;
  /** After so many silent milliseconds a second target is asked as well; null for never. */
  readonly hedgeMs: number | null;
}

export interface Alias extends AliasFacts {
  readonly name: string;
  /** In order of preference; never empty. */
  readonly targets: readonly Target[];
}

export interface Catalog {
  readonly aliases: readonly Alias[];
  /** The alias of this name, or `model_not_in_allowlist`. */
  find(name: string): Alias;
}

export function createCatalog(aliases: readonly Alias[]): Catalog {
  const byName = new Map(aliases.map((alias) => [alias.name, alias]));
  const allowed = aliases.map(({ name }) => name).join(', ');
  return {
    aliases,
    find(name) {
      const alias = byName.get(name);
      if (alias) return alias;
      throw new GatewayError('model_not_in_allowlist', {
        message: `The model ${JSON.stringify(name.slice(0, 100))} is not served here. Allowed: ${allowed} (see GET /v1/info).`,
        param: 'model',
      });
    },
  };
}
