// A candidate's logprobsResult as OpenAI's logprobs.
import { isObject } from '../../json/document.ts';

/** null where there are none. */
export function logprobsOf(result: unknown): object | null {
  if (!isObject(result)) return null;
  const chosen = listOf(result['chosenCandidates']);
  const top = listOf(result['topCandidates']);
  const content = chosen.map((token, index) => ({
    ...tokenLogprob(token),
    top_logprobs: listOf(top[index]?.['candidates']).map(tokenLogprob),
  }));
  return { content, refusal: null };
}

function tokenLogprob({ token, logProbability }: Readonly<Record<string, unknown>>): object {
  const text = typeof token === 'string' ? token : '';
  return {
    token: text,
    logprob: typeof logProbability === 'number' ? logProbability : 0,
    bytes: [...Buffer.from(text)],
  };
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
