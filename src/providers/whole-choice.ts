// A choice of a whole reply that the gateway puts together itself, with the members that OpenAI's always has: SDKs'
// types promise them.
import type { ChunkChoice } from './provider.ts';

const NO_LOGPROBS = { logprobs: null };

/** Adds `refusal` and `logprobs` as null where the choice says nothing of them. */
export function wholeChoice({ message, ...choice }: ChunkChoice): ChunkChoice {
  const { index = 0, ...rest } = choice;
  return { index, message: { refusal: null, ...message }, ...NO_LOGPROBS, ...rest };
}
