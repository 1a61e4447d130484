// The log line of a request, written as pino would write it: every request has one, and an object made for it, only to
// be turned into text, is most of what a line costs. Other lines are rare, and pino's own.
import { MAX_NAME_CHARS } from '../domain/limits.ts';
import type { TokenCounts } from '../domain/message.ts';
import type { RequestRecord } from './request-record.ts';

/** pino's numbers for the levels that are written here. */
export type LineLevel = 30 | 40;

/** The whole line, with its end. */
export function requestLine(level: LineLevel, fields: string, message: string): string {
  return `{"level":${level},"time":"${timestamp()}",${fields},"msg":"${message}"}\n`;
}

/** What a line says of a request: the members of an object, as JSON text. */
export function requestFields(record: RequestRecord, durationMs: number): string {
  const { alias, upstream, usage, askedAt, answeredAt } = record;
  let text = `"request_id":${JSON.stringify(record.requestId)},"method":${methodOf(record.method)},"path":${pathOf(record.path)},"status":${record.clientGone ? 499 : record.status},"duration_ms":${rounded(durationMs)}`;
  if (record.stream) text += ',"stream":true';
  // Whatever a client calls a model that there is not.
  if (alias !== undefined) text += `,"model":${modelOf(alias.slice(0, MAX_NAME_CHARS))}`;
  if (upstream !== undefined) text += `,"upstream":${upstreamOf(upstream)}`;
  if (record.attempts !== undefined) text += `,"attempts":${record.attempts}`;
  if (askedAt !== undefined && answeredAt !== undefined)
    text += `,"ttfb_ms":${rounded(answeredAt - askedAt)}`;
  if (usage) text += usageFields(usage);
  if (record.conversationId !== undefined)
    text += `,"conversation":${JSON.stringify(record.conversationId)}`;
  if (record.turnId !== undefined) text += `,"turn":${JSON.stringify(record.turnId)}`;
  if (record.errorCode !== undefined) text += `,"error_code":"${record.errorCode}"`;
  return text;
}

function usageFields({ promptTokens, completionTokens, cachedTokens }: TokenCounts): string {
  let text = '';
  if (promptTokens !== null) text += `,"prompt_tokens":${promptTokens}`;
  if (completionTokens !== null) text += `,"completion_tokens":${completionTokens}`;
  if (cachedTokens !== null) text += `,"cached_tokens":${cachedTokens}`;
  return text;
}

/** JSON.stringify for texts of which one is nearly always the same as the one before. */
function remembering(): (text: string) => string {
  let known = '';
  let quoted = '""';
  return (text) => {
    if (text === known) return quoted;
    known = text;
    return (quoted = JSON.stringify(text));
  };
}

const methodOf = remembering();
const pathOf = remembering();
const modelOf = remembering();
const upstreamOf = remembering();

let told = { at: 0, text: new Date(0).toISOString() };

/** Now, as pino's isoTime; many lines fall into one millisecond. */
function timestamp(): string {
  const at = Date.now();
  if (at !== told.at) told = { at, text: new Date(at).toISOString() };
  return told.text;
}

/** To tenths of a millisecond. */
export function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
