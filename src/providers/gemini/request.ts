// A chat request in OpenAI's form as the body of generateContent. Every member is translated, or is known to change
// nothing, or is refused.
import { isObject, parseDocument } from '../../json/document.ts';
import { conversationOf } from './contents.ts';
import { GENERATION_MEMBERS, generationConfig } from './generation-config.ts';
import { modelFacts } from './model-facts.ts';
import { lacking, malformed } from './refuse.ts';
import { hasTools, toolMembers } from './tools.ts';
import { given, type ChatRequest } from './wire.ts';

const TRANSLATED = new Set([
  ...GENERATION_MEMBERS,
  'model',
  'messages',
  'stream',
  'stream_options',
  'tools',
  'tool_choice',
  'extra_body',
]);

/** Who asks, what for, how it is billed or cached: no answer is another one for it. */
const WITHOUT_EFFECT = new Set([
  'user',
  'metadata',
  'store',
  'service_tier',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_retention',
  'prediction',
]);

interface Unsupported {
  readonly has: string;
  /** Whether the value asks for what happens anyway. */
  passes(value: unknown, request: ChatRequest): boolean;
}

const UNSUPPORTED: Readonly<Record<string, Unsupported>> = {
  logit_bias: {
    has: 'no bias for single tokens',
    passes: (bias) => isObject(bias) && Object.keys(bias).length === 0,
  },
  parallel_tool_calls: {
    has: 'no way to hold a model to one call at a time',
    passes: (parallel, request) => parallel === true || !hasTools(request),
  },
  verbosity: { has: 'no setting for the length of answers', passes: (is) => is === 'medium' },
  min_p: { has: 'top_p and top_k instead', passes: (minimum) => minimum === 0 },
  repetition_penalty: {
    has: 'presence_penalty and frequency_penalty instead',
    passes: (penalty) => penalty === 1,
  },
  functions: { has: 'tools instead', passes: (list) => Array.isArray(list) && list.length === 0 },
  function_call: { has: 'tool_choice instead', passes: (choice) => choice === 'none' },
};

/** Of `extra_body.google`, as Google's own OpenAI-compatible API takes them: at the top, or in generationConfig. */
const GOOGLE_MEMBERS: Readonly<Record<string, string>> = {
  cached_content: 'cachedContent',
  safety_settings: 'safetySettings',
};

/** JSON text of the body for `model`. */
export function geminiBody(body: string, model: string): string {
  const request = parseDocument(body).value;
  refuseUnknown(request);
  const facts = modelFacts(model);
  const google = googleMembers(request['extra_body']);
  const config = { ...generationConfig(request, facts), ...google.config };
  return JSON.stringify({
    ...conversationOf(request['messages'], facts),
    ...toolMembers(request, facts),
    ...(Object.keys(config).length === 0 ? {} : { generationConfig: config }),
    ...google.top,
  });
}

function refuseUnknown(request: ChatRequest): void {
  for (const [member, value] of Object.entries(request)) {
    if (TRANSLATED.has(member) || WITHOUT_EFFECT.has(member) || !given(value)) continue;
    const known = UNSUPPORTED[member];
    if (known?.passes(value, request)) continue;
    throw lacking(member, known?.has ?? 'nothing like it');
  }
}

function googleMembers(extra: unknown): { top: object; config: object } {
  if (!given(extra)) return { top: {}, config: {} };
  if (!isObject(extra)) throw malformed('extra_body', 'an object');
  const top: Record<string, unknown> = {};
  let config = {};
  for (const [key, value] of Object.entries(extra)) {
    if (key !== 'google') throw lacking(`extra_body.${key}`, 'nothing like it');
    if (!isObject(value)) throw malformed('extra_body.google', 'an object');
    for (const [member, setting] of Object.entries(value)) {
      const name = GOOGLE_MEMBERS[member];
      // Google's JSON takes the members of its messages in either spelling.
      if (member === 'thinking_config') config = { thinkingConfig: setting };
      else if (name !== undefined) top[name] = setting;
      else throw lacking(`extra_body.google.${member}`, 'nothing like it');
    }
  }
  return { top, config };
}
