// Ollama: /api/version decides, /api/ps says which models are loaded and with which context, /api/tags which are
// there. None of them loads a model or keeps one loaded. It says nothing of its queue or its cache.
import { faultIn, rootOf, textOf, type Ask } from './ask.ts';
import { rememberContexts } from './context-memory.ts';
import type { Look } from './engine.ts';
import { NOTHING_KNOWN } from './insight.ts';
import { entriesOf, memberOf, nameIn, parseReply, tokensIn } from './read-json.ts';

/** Reading the list makes Ollama look through its disk. */
const TAGS_EVERY = 6;

export function lookAtOllama(baseUrl: string): Look {
  const root = rootOf(baseUrl);
  const remember = rememberContexts();
  let available: readonly string[] | null = null;

  return async (ask: Ask) => {
    const [version, running, tags] = await Promise.all([
      ask.get(`${root}/api/version`),
      ask.optional(`${root}/api/ps`),
      ask.optional(`${root}/api/tags`, TAGS_EVERY),
    ]);
    const loaded = modelsIn(running);
    available = modelsIn(tags)?.map(({ name }) => name) ?? available;
    const contexts = remember(
      new Map(
        loaded?.flatMap(({ name, context }) => (context === null ? [] : [[name, context]])) ?? [],
      ),
    );
    return {
      fault: faultIn(version),
      insight: {
        ...NOTHING_KNOWN,
        engineVersion: nameIn(memberOf(parseReply(textOf(version)), 'version')),
        contextTokens: contexts.size > 0 ? contexts : null,
        loadedModels: loaded?.map(({ name }) => name) ?? null,
        availableModels: available,
      },
    };
  };
}

/** `{"models":[{"name","model","context_length",…}]}` */
function modelsIn(text: string | null) {
  const models = memberOf(parseReply(text), 'models');
  if (!Array.isArray(models)) return null;
  return entriesOf(models).flatMap((model) => {
    const name = nameIn(model['name']) ?? nameIn(model['model']);
    return name === null ? [] : [{ name, context: tokensIn(model['context_length']) }];
  });
}
