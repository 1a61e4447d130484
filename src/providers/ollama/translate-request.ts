// A chat request in OpenAI's form as the body of Ollama's /api/chat. Ollama's own members (options, think, format,
// keep_alive, truncate) win over what is made of OpenAI's; members that neither knows are carried as they came.
import { objectText } from '../../json/compose.ts';
import { isObject, memberText, parseDocument, type JsonDocument } from '../../json/document.ts';
import { membersOf, valueText } from '../../json/members.ts';
import type { ChatCall, OllamaSettings } from '../provider.ts';
import { ollamaMessages } from './messages.ts';
import { lacking, malformed } from './refuse.ts';
import { refuseUnsupported } from './unsupported.ts';

/** OpenAI's members, and those that other engines take beside them, that are options here. */
const OPTIONS: Readonly<Record<string, string>> = {
  temperature: 'temperature',
  top_p: 'top_p',
  top_k: 'top_k',
  min_p: 'min_p',
  typical_p: 'typical_p',
  seed: 'seed',
  frequency_penalty: 'frequency_penalty',
  presence_penalty: 'presence_penalty',
  repetition_penalty: 'repeat_penalty',
  repeat_penalty: 'repeat_penalty',
  repeat_last_n: 'repeat_last_n',
  max_tokens: 'num_predict',
  // After max_tokens: it wins where a request has both.
  max_completion_tokens: 'num_predict',
};

/** Said in another way, refused where they ask for something, or without a meaning for an answer. */
const NOT_CARRIED = new Set([
  ...Object.keys(OPTIONS),
  'model',
  'messages',
  'stream',
  'stream_options',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'response_format',
  'reasoning',
  'reasoning_effort',
  'chat_template_kwargs',
  'stop',
  'n',
  'logit_bias',
  'modalities',
  'functions',
  'function_call',
  'user',
  'metadata',
  'store',
  'service_tier',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_retention',
  'prediction',
]);

/** JSON text of the body; `modality_not_supported` for what Ollama cannot do. */
export function ollamaBody(
  call: Pick<ChatCall, 'body' | 'stream'>,
  settings: OllamaSettings,
): string {
  const document = parseDocument(String(call.body));
  const { value } = document;
  refuseUnsupported(value);
  return objectText({
    model: memberText(document, 'model'),
    messages: ollamaMessages(value['messages']),
    tools: toolsText(document),
    stream: String(call.stream),
    format: formatText(document),
    think: thinkText(value),
    keep_alive: keepAliveText(settings),
    // Otherwise the oldest messages that do not fit are left out without a word.
    truncate: 'false',
    ...carriedMembers(document),
    options: optionsText(document, settings),
  });
}

/** Seconds are a number to Ollama: as text they would lack their unit. */
function keepAliveText({ keepAlive }: OllamaSettings): string | undefined {
  if (keepAlive === undefined || /^-?\d+$/.test(keepAlive)) return keepAlive;
  return JSON.stringify(keepAlive);
}

/** Ollama's own members, and those that nobody knows. */
function carriedMembers(document: JsonDocument): Record<string, string> {
  const carried = document.members.filter(
    ({ key }) => !NOT_CARRIED.has(key) && document.value[key] !== null,
  );
  return Object.fromEntries(
    carried.map(({ key, valueStart, valueEnd }) => [
      key,
      document.text.slice(valueStart, valueEnd),
    ]),
  );
}

/** The tools as they came; a model that must not call any is not shown any. */
function toolsText(document: JsonDocument): string | undefined {
  const { tools, tool_choice } = document.value;
  if (!Array.isArray(tools) || tools.length === 0 || tool_choice === 'none') return undefined;
  return memberText(document, 'tools');
}

function formatText(document: JsonDocument): string | undefined {
  const format = document.value['response_format'];
  if (!isObject(format) || format['type'] === 'text') return undefined;
  if (format['type'] === 'json_object') return '"json"';
  if (format['type'] !== 'json_schema') throw lacking('response_format.type', 'JSON and text only');
  const schema = valueText(memberText(document, 'response_format') ?? '{}', 'json_schema');
  const text = isObject(format['json_schema']) ? valueText(schema ?? '{}', 'schema') : undefined;
  if (text !== undefined) return text;
  throw malformed('response_format.json_schema.schema', 'a JSON schema');
}

/** How hard to think, in the words of OpenAI, OpenRouter or vLLM; undefined where the model may decide. */
function thinkText(value: Readonly<Record<string, unknown>>): string | undefined {
  const { reasoning, reasoning_effort, chat_template_kwargs: template } = value;
  if (isObject(reasoning)) {
    if (reasoning['enabled'] === false) return 'false';
    const effort = effortText(reasoning['effort'], 'reasoning.effort');
    if (effort !== undefined) return effort;
    if (reasoning['enabled'] === true || typeof reasoning['max_tokens'] === 'number') return 'true';
  }
  const effort = effortText(reasoning_effort, 'reasoning_effort');
  if (effort !== undefined) return effort;
  const enabled = isObject(template) ? template['enable_thinking'] : undefined;
  return typeof enabled === 'boolean' ? String(enabled) : undefined;
}

function effortText(effort: unknown, param: string): string | undefined {
  switch (effort) {
    case undefined:
    case null:
      return undefined;
    case 'none':
      return 'false';
    case 'minimal':
      return '"low"';
    case 'low':
    case 'medium':
    case 'high':
      return JSON.stringify(effort);
    case 'xhigh':
    case 'max':
      return '"max"';
    default:
      throw malformed(param, 'one of none, minimal, low, medium, high, xhigh and max');
  }
}

/** The configured window, then what the request asks for in OpenAI's words, then its own options. */
function optionsText(document: JsonDocument, { numCtx }: OllamaSettings): string | undefined {
  const options: Record<string, string> = {};
  if (numCtx !== undefined) options['num_ctx'] = String(numCtx);
  for (const [member, option] of Object.entries(OPTIONS)) {
    const text = memberText(document, member);
    if (text !== undefined && text !== 'null') options[option] = text;
  }
  const { stop } = document.value;
  if (typeof stop === 'string') options['stop'] = JSON.stringify([stop]);
  if (Array.isArray(stop)) options['stop'] = memberText(document, 'stop') ?? '[]';
  Object.assign(options, ownOptions(document));
  return Object.keys(options).length === 0 ? undefined : objectText(options);
}

function ownOptions(document: JsonDocument): Record<string, string> {
  const { options } = document.value;
  if (options === undefined || options === null) return {};
  if (!isObject(options)) throw malformed('options', 'an object');
  const text = memberText(document, 'options') ?? '{}';
  return Object.fromEntries(
    membersOf(text).map(({ key, valueStart, valueEnd }) => [key, text.slice(valueStart, valueEnd)]),
  );
}
