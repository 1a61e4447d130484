// A start without configuration: which engines run on this machine, on the ports where each kind usually listens.
// Looks at loopback only, takes no longer than one timeout, and takes nothing for an engine that is none.

import { listModels, type Fetch, type ListedModel } from './model-list.ts';

type EngineKind = 'vllm' | 'ollama' | 'llama.cpp' | 'lmstudio' | 'sglang';

export interface Engine {
  readonly kind: EngineKind;
  /** Unique among the engines that were found: `vllm`, `ollama`, `llama-cpp`, …; a second one has its port added. */
  readonly name: string;
  /** As an upstream's: OpenAI-compatible, but the native root of an Ollama; without a slash at its end. */
  readonly base_url: string;
  readonly models: readonly string[];
  /** Tokens, by model, as far as the engine says. */
  readonly context_windows: Readonly<Record<string, number>>;
}

export interface DiscoverOptions {
  readonly fetch?: Fetch;
  readonly timeoutMs?: number;
  /** Where to look, instead of the usual ports. */
  readonly ports?: Readonly<Partial<Record<EngineKind, number>>>;
}

const USUAL_PORTS: Record<EngineKind, number> = {
  vllm: 8000,
  ollama: 11_434,
  'llama.cpp': 8080,
  lmstudio: 1234,
  sglang: 30_000,
};

/** Order matters: the first engine that serves a model is the first to be asked for it. */
const KINDS: readonly EngineKind[] = ['vllm', 'sglang', 'llama.cpp', 'lmstudio', 'ollama'];

/** What engines call themselves in `owned_by`, where they do. */
const SIGNATURES: Readonly<Record<string, EngineKind>> = {
  vllm: 'vllm',
  sglang: 'sglang',
  llamacpp: 'llama.cpp',
};

/** More aliases than this would bury the catalogue; a local engine has dozens at most. */
const MAX_MODELS = 500;

/** The engines that answer on loopback, at once and within `timeoutMs`. Never rejects. */
export async function discoverEngines(options: DiscoverOptions = {}): Promise<Engine[]> {
  const { ports = USUAL_PORTS } = options;
  const found = await Promise.all(
    KINDS.map(async (kind) => {
      const port = ports[kind];
      return port === undefined ? undefined : await lookAt(kind, port, options);
    }),
  );
  const names = new Set<string>();
  return found
    .filter((engine) => engine !== undefined)
    .map(({ port, ...engine }) => {
      const plain = engine.kind.replace('.', '-');
      const name = names.has(plain) ? `${plain}-${port}` : plain;
      names.add(name);
      return { ...engine, name };
    });
}

type Sighting = Omit<Engine, 'name'> & { readonly port: number };

async function lookAt(
  usualKind: EngineKind,
  port: number,
  { timeoutMs = 400, fetch: ask }: DiscoverOptions,
): Promise<Sighting | undefined> {
  const root = `http://127.0.0.1:${port}`;
  const list = await listModels(`${root}/v1`, {
    timeoutMs,
    ...(ask !== undefined && { fetch: ask }),
  });
  if (!list.ok) return undefined;
  const usable = list.models.filter(({ id }) => /^[^\s\p{Cc}]{1,200}$/u.test(id));
  const listed = usable.slice(0, MAX_MODELS);
  const context_windows = Object.fromEntries(
    listed.flatMap(({ id, contextWindow }) =>
      contextWindow === undefined ? [] : [[id, contextWindow] as const],
    ),
  );
  const models = [...new Set(listed.map(({ id }) => id))];
  const kind = kindOf(listed) ?? usualKind;
  const base_url = kind === 'ollama' ? root : `${root}/v1`;
  return { kind, port, base_url, models, context_windows };
}

function kindOf(models: readonly ListedModel[]): EngineKind | undefined {
  for (const { ownedBy } of models) {
    const owner = ownedBy?.toLowerCase() ?? '';
    if (Object.hasOwn(SIGNATURES, owner)) return SIGNATURES[owner];
  }
  return undefined;
}
