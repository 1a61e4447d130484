// An OpenAI chat-completions request as a request of the Messages API. The same conversation always comes out as the
// same bytes; what is translated, refused or left out is told in docs/decisions/0022.
import { ANTHROPIC_MAX_TOKENS } from '../../domain/limits.ts';
import { isObject, memberText, parseDocument, type JsonDocument } from '../../json/document.ts';
import { parseExact } from '../../json/exact.ts';
import type { ChatCall } from '../provider.ts';
import { listJson } from './block.ts';
import { withCacheMarks } from './cache-marks.ts';
import { conversationOf, type Turn } from './messages.ts';
import { invalid, lacks } from './refusal.ts';
import { thinkingOf, type Thinking } from './thinking.ts';
import { toolChoiceJson, toolDefinitions } from './tools.ts';
import { isLeftOut, refuseUnsupported } from './unsupported.ts';

type Request = Readonly<Record<string, unknown>>;

/** Members of an OpenAI request that come out as something else. */
const TRANSLATED = [
  'model',
  'messages',
  'stream',
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'top_p',
  'stop',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'response_format',
  'reasoning_effort',
  'reasoning',
  'thinking',
  'output_config',
  'user',
  'safety_identifier',
  'metadata',
  'service_tier',
];

/** What is left for the answer beside a large budget for thinking. */
const ANSWER_TOKENS = 8_000;

/** JSON text of the request to send. */
export function messagesRequest(call: Pick<ChatCall, 'body' | 'stream'>): string {
  const document = parseDocument(String(call.body));
  const request = document.value;
  refuseUnsupported(request);
  const members = translated(document, call.stream);
  for (const { key } of document.members) {
    if (TRANSLATED.includes(key) || isLeftOut(key) || request[key] === null) continue;
    if (members[key] !== undefined) {
      throw invalid(key, 'is made of other members here, and cannot be given as well');
    }
    members[key] = memberText(document, key);
  }
  const texts = Object.entries(members).flatMap(([key, json]) =>
    json === undefined ? [] : [`${JSON.stringify(key)}:${json}`],
  );
  return `{${texts.join(',')}}`;
}

type Members = Record<string, string | undefined>;

function translated(document: JsonDocument, stream: boolean): Members {
  const request = document.value;
  const model = String(request['model']);
  const limit = limitOf(request);
  const thinking = thinkingOf(request, { model, limit });
  return {
    model: JSON.stringify(model),
    max_tokens: String(limit ?? defaultLimit(thinking)),
    stream: String(stream),
    temperature: samplingJson(request['temperature']),
    top_p: samplingJson(request['top_p']),
    stop_sequences: stopJson(request['stop']),
    metadata: metadataJson(request),
    service_tier: serviceTierJson(request['service_tier']),
    thinking: thinking.config === null ? undefined : JSON.stringify(thinking.config),
    output_config: outputConfigJson(document, thinking),
    ...promptMembers(document),
  };
}

function promptMembers(document: JsonDocument): Members {
  const request = document.value;
  const prompt = {
    tools: toolDefinitions(memberText(document, 'tools')),
    ...conversationOf(request['messages']),
  };
  // One at the top has Anthropic set the mark.
  const isMarked = isObject(request['cache_control']);
  const { tools, system, turns } = isMarked ? prompt : withCacheMarks(prompt);
  const turnJson = ({ role, blocks }: Turn) => `{"role":"${role}","content":${listJson(blocks)}}`;
  const hasTools = tools.length > 0;
  return {
    tools: hasTools ? listJson(tools) : undefined,
    tool_choice: (hasTools ? toolChoiceJson(request) : null) ?? undefined,
    system: system.length > 0 ? listJson(system) : undefined,
    messages: `[${turns.map(turnJson).join(',')}]`,
  };
}

function limitOf(request: Request): number | null {
  const limit = request['max_completion_tokens'] ?? request['max_tokens'];
  return typeof limit === 'number' ? limit : null;
}

/** Thinking counts towards the limit, and must not take all of it. */
function defaultLimit({ budgetTokens }: Thinking): number {
  return Math.max(ANTHROPIC_MAX_TOKENS, budgetTokens + ANSWER_TOKENS);
}

/**
 * OpenAI's temperature ends at 2, Anthropic's at 1: what is above is as free as it gets. 1 is the default of both, for
 * top_p too, and is left out, because the models from Claude 4.7 on refuse to be told anything else, or even that.
 */
function samplingJson(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === 'number' && value >= 1 ? undefined : JSON.stringify(value);
}

function stopJson(stop: unknown): string | undefined {
  if (stop === undefined || stop === null) return undefined;
  return JSON.stringify(typeof stop === 'string' ? [stop] : stop);
}

/** Anthropic wants only an opaque id of the end user; OpenAI's own metadata are labels of stored completions. */
function metadataJson(request: Request): string | undefined {
  const metadata = isObject(request['metadata']) ? request['metadata'] : {};
  const id = metadata['user_id'] ?? request['user'] ?? request['safety_identifier'];
  return typeof id === 'string' ? JSON.stringify({ user_id: id }) : undefined;
}

function serviceTierJson(tier: unknown): string | undefined {
  if (tier === undefined || tier === null) return undefined;
  if (tier === 'auto' || tier === 'standard_only') return JSON.stringify(tier);
  if (tier === 'default') return '"standard_only"';
  throw lacks('service_tier', 'knows "auto" and "default"');
}

function outputConfigJson(document: JsonDocument, { effort }: Thinking): string | undefined {
  const format = formatOf(memberText(document, 'response_format'));
  const text = memberText(document, 'output_config');
  const own: unknown = text === undefined ? null : parseExact(text);
  const config = {
    ...(effort === null ? {} : { effort }),
    ...(format === null ? {} : { format }),
    ...(isObject(own) ? own : {}),
  };
  return Object.keys(config).length === 0 ? undefined : JSON.stringify(config);
}

/** Only a schema can be had: no model here promises just any JSON. */
function formatOf(json: string | undefined): object | null {
  const format = json === undefined ? null : parseExact(json);
  if (format === null) return null;
  if (!isObject(format)) throw invalid('response_format', 'must be an object with a type');
  if (format['type'] === 'text') return null;
  const { json_schema: named } = format;
  if (format['type'] !== 'json_schema' || !isObject(named) || !isObject(named['schema'])) {
    throw lacks(
      'response_format',
      `knows "text" and "json_schema" with a schema, not ${JSON.stringify(format['type'])}`,
    );
  }
  const { description, schema } = named;
  return {
    type: 'json_schema',
    schema: typeof description === 'string' ? { description, ...schema } : schema,
  };
}
