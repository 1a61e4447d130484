// Which dialect each kind of upstream speaks. A kind that is not listed speaks OpenAI's wire.
import { systemClock, type Clock } from '../domain/clock.ts';
import { createAnthropicProvider } from './anthropic/provider.ts';
import { createGeminiProvider } from './gemini/gemini.ts';
import { isOpenAiEndpoint } from './google-endpoint.ts';
import { createOllamaProvider, speaksOpenAi } from './ollama/ollama.ts';
import { createOpenAiProvider } from './openai.ts';
import type { Provider, Target } from './provider.ts';
import type { UpstreamClient } from './upstream.ts';

export function createProvider(client: UpstreamClient, clock: Clock = systemClock): Provider {
  const openAi = createOpenAiProvider(client);
  const dialects: Readonly<Record<string, Provider>> = {
    anthropic: createAnthropicProvider(client, clock),
    gemini: createGeminiProvider(client, clock),
    ollama: createOllamaProvider(client),
  };
  const dialectOf = (target: Target) => {
    const own = dialects[target.kind];
    return own === undefined || choosesOpenAi(target) ? openAi : own;
  };
  return { ask: (target, call, signal) => dialectOf(target).ask(target, call, signal) };
}

/** Whether the operator has named the OpenAI-compatible address of an upstream that has a wire of its own as well. */
function choosesOpenAi(target: Target): boolean {
  return isOpenAiEndpoint(target.kind, target.baseUrl) || speaksOpenAi(target);
}
