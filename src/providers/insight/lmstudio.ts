// LM Studio: its OpenAI-compatible list decides, its own /api/v0/models says what is loaded and with which context.
import { faultIn, rootOf, textOf, type Ask } from './ask.ts';
import { rememberContexts } from './context-memory.ts';
import type { Look } from './engine.ts';
import { NOTHING_KNOWN } from './insight.ts';
import { readModels, tokensIn } from './read-json.ts';

export function lookAtLmStudio(baseUrl: string): Look {
  const root = rootOf(baseUrl);
  const remember = rememberContexts();

  return async (ask: Ask) => {
    const [list, own] = await Promise.all([
      ask.get(`${baseUrl}/models`),
      ask.optional(`${root}/api/v0/models`),
    ]);
    const states = readModels(own);
    const loaded = states?.filter(({ entry }) => entry['state'] === 'loaded') ?? null;
    const contexts = remember(
      new Map(
        loaded?.flatMap(({ id, entry }) => {
          const tokens = tokensIn(entry['loaded_context_length']);
          return tokens === null ? [] : [[id, tokens]];
        }) ?? [],
      ),
    );
    const available = states ?? readModels(textOf(list));
    return {
      fault: faultIn(list),
      insight: {
        ...NOTHING_KNOWN,
        contextTokens: contexts.size > 0 ? contexts : null,
        loadedModels: loaded?.map(({ id }) => id) ?? null,
        availableModels: available?.map(({ id }) => id) ?? null,
      },
    };
  };
}
