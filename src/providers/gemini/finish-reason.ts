// Why a candidate ended, in OpenAI's words. What is not listed is no end of a complete answer.

const COMPLETE: Readonly<Record<string, 'stop' | 'length' | 'content_filter'>> = {
  STOP: 'stop',
  // Stand-ins for the API say so where there are calls; Google itself says STOP.
  FUNCTION_CALL: 'stop',
  MAX_TOKENS: 'length',
  CONTINUATION: 'length',
  SAFETY: 'content_filter',
  RECITATION: 'content_filter',
  LANGUAGE: 'content_filter',
  BLOCKLIST: 'content_filter',
  PROHIBITED_CONTENT: 'content_filter',
  SPII: 'content_filter',
  MODEL_ARMOR: 'content_filter',
  IMAGE_SAFETY: 'content_filter',
  IMAGE_PROHIBITED_CONTENT: 'content_filter',
  IMAGE_RECITATION: 'content_filter',
};

/** null for a reason that means a failure: a malformed call, no image where one was wanted, anything unknown. */
export function finishReason(reason: string, hasCalls: boolean): string | null {
  const known = COMPLETE[reason] ?? null;
  return known === 'stop' && hasCalls ? 'tool_calls' : known;
}
