// Which dialect each kind of upstream speaks. A kind that is not listed speaks OpenAI's wire.
import { createOllamaProvider, speaksOpenAi } from './ollama/ollama.ts';
import { createOpenAiProvider } from './openai.ts';
import type { Provider, Target } from './provider.ts';
import type { UpstreamClient } from './upstream.ts';

export function createProvider(client: UpstreamClient): Provider {
  const openAi = createOpenAiProvider(client);
  const dialects: Readonly<Record<string, Provider>> = {
    ollama: createOllamaProvider(client),
  };
  const dialectOf = (target: Target) =>
    (speaksOpenAi(target) ? undefined : dialects[target.kind]) ?? openAi;
  return { ask: (target, call, signal) => dialectOf(target).ask(target, call, signal) };
}
