// Google serves Gemini twice under one host: by its native API, and by one that speaks OpenAI's wire. The address tells
// which of them an operator means.

/** Whether an upstream of kind `gemini` is the OpenAI-compatible endpoint: `…/v1beta/openai`. */
export function isOpenAiEndpoint(kind: string, baseUrl: string): boolean {
  return kind === 'gemini' && baseUrl.endsWith('/openai');
}
