// One upstream's probe, by its kind: asks what its kind is to be asked, and makes one sighting of the answers.
import { createAsker, type Fault, type ProbedUpstream } from './ask.ts';
import type { Finding, Look } from './engine.ts';
import type { EngineInsight } from './insight.ts';
import { lookAtLlamaCpp } from './llama-cpp.ts';
import { lookAtLmStudio } from './lmstudio.ts';
import { lookAtOllama } from './ollama.ts';
import { lookAtAnthropic, lookAtGemini, lookAtOpenAi, lookAtOpenRouter } from './hosted.ts';
import { lookAtSglang } from './sglang.ts';
import { lookAtVllm } from './vllm.ts';

export interface Sighting {
  readonly fault: Fault | null;
  readonly insight: EngineInsight | null;
  /** Whether any HTTP reply came, whatever it said. */
  readonly reachable: boolean;
  readonly latencyMs: number;
}

export interface EngineWatch {
  /** Somebody else's service, asked less often while it is well. */
  readonly hosted: boolean;
  /** Never rejects. `signal` ends all requests. */
  look(signal: AbortSignal): Promise<Sighting>;
  /** It was down, and may have come back with other flags. */
  isBack(): void;
}

const LOOKS: Readonly<Record<string, (baseUrl: string) => Look>> = {
  vllm: lookAtVllm,
  'llama.cpp': lookAtLlamaCpp,
  ollama: lookAtOllama,
  lmstudio: lookAtLmStudio,
  sglang: lookAtSglang,
  openrouter: lookAtOpenRouter,
  anthropic: lookAtAnthropic,
  gemini: lookAtGemini,
};

const HOSTED = ['openrouter', 'anthropic', 'gemini', 'azure'];

export function watchEngine(upstream: ProbedUpstream, elapsed: () => number): EngineWatch {
  const asker = createAsker(upstream, elapsed);
  const look = (LOOKS[upstream.kind] ?? lookAtOpenAi)(upstream.baseUrl.replace(/\/+$/, ''));

  return {
    hosted: HOSTED.includes(upstream.kind),
    async look(signal) {
      const round = asker.begin(signal);
      const finding = await look(round.ask).catch(unreadable);
      return { ...finding, reachable: round.isAnswered(), latencyMs: round.latencyMs() };
    },
    isBack: () => asker.forgetFailures(),
  };
}

/** What an engine says must not end the process, however odd it is; /readyz shows that it was not understood. */
function unreadable(error: unknown): Finding {
  const name = error instanceof Error ? error.name : 'error';
  return {
    fault: { problem: `its answer broke the probe (${name})`, certain: false },
    insight: null,
  };
}
