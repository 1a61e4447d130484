// Everything that is no engine of ours: whether it answers and takes our key, by the smallest question that it has.
import { faultIn, refusedKey, textOf, type Ask } from './ask.ts';
import type { Look } from './engine.ts';
import { NOTHING_KNOWN } from './insight.ts';
import { contextsOf, readModels } from './read-json.ts';

/** Any OpenAI-compatible server, Azure included; some say more of their models than OpenAI does. */
export function lookAtOpenAi(baseUrl: string): Look {
  return async (ask: Ask) => {
    const list = await ask.get(`${baseUrl}/models`);
    const models = readModels(textOf(list));
    const insight = models && {
      ...NOTHING_KNOWN,
      contextTokens: contextsOf(models),
      availableModels: models.map(({ id }) => id),
    };
    return { fault: faultIn(list), insight };
  };
}

/** Its list of models is hundreds of kilobytes, and public; what it says of a key is small, and needs one. */
export function lookAtOpenRouter(baseUrl: string): Look {
  return async (ask: Ask) => ({
    fault: faultIn(await ask.get(`${baseUrl}/key`)),
    insight: null,
  });
}

export function lookAtAnthropic(baseUrl: string): Look {
  const headers = { 'anthropic-version': '2023-06-01' };
  return async (ask: Ask) => ({
    fault: faultIn(await ask.get(`${baseUrl}/models?limit=1`, headers)),
    insight: null,
  });
}

export function lookAtGemini(baseUrl: string): Look {
  if (baseUrl.endsWith('/openai')) return lookAtOpenAi(baseUrl);
  return async (ask: Ask) => {
    const answer = await ask.get(`${baseUrl}/models?pageSize=1`);
    // A wrong key is a 400 here.
    const isRefused =
      answer.kind === 'reply' && answer.status === 400 && answer.text.includes('API_KEY_INVALID');
    return { fault: isRefused ? refusedKey(400) : faultIn(answer), insight: null };
  };
}
