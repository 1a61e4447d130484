// Which members of an OpenAI request this dialect lacks, and which it may leave out because no answer depends on them.
// A member that neither this file nor request.ts knows goes out as it came: Anthropic takes its own (`top_k`,
// `context_management`, …) and names the others in its refusal.
import { isObject } from '../../json/document.ts';
import { lacks } from './refusal.ts';

/** For each member whether its value asks for something that there is not. */
const LACKING: Readonly<Record<string, (value: unknown) => boolean>> = {
  n: (value) => value !== 1,
  logprobs: (value) => value !== false,
  top_logprobs: (value) => value !== 0,
  logit_bias: (value) => !isObject(value) || Object.keys(value).length > 0,
  presence_penalty: (value) => value !== 0,
  frequency_penalty: (value) => value !== 0,
  seed: () => true,
  audio: () => true,
  modalities: (value) => !Array.isArray(value) || value.some((modality) => modality !== 'text'),
  functions: (value) => !Array.isArray(value) || value.length > 0,
  function_call: (value) => value !== 'none' && value !== 'auto',
  verbosity: (value) => value !== 'medium',
  web_search_options: () => true,
};

/** How OpenAI stores, routes and hurries a request, and how its answer is to be reported: not what is asked. */
const WITHOUT_EFFECT = [
  'stream_options',
  'store',
  'prediction',
  'prompt_cache_key',
  'prompt_cache_retention',
  'include_reasoning',
  'usage',
];

/** Refuses a request for what the Messages API lacks. */
export function refuseUnsupported(request: Readonly<Record<string, unknown>>): void {
  for (const [member, asksForMore] of Object.entries(LACKING)) {
    const value = request[member] ?? null;
    if (value !== null && asksForMore(value)) throw lacks(member, `has nothing like ${member}`);
  }
}

/** Whether a member has been dealt with here, and is not to be sent. */
export function isLeftOut(member: string): boolean {
  return Object.hasOwn(LACKING, member) || WITHOUT_EFFECT.includes(member);
}
