// What a model thought before an earlier answer is kept beside the message and goes back to the upstreams that want
// it, each in its own member: chat templates then render what the engine has in its cache, and signed or encrypted
// reasoning must come back as it was. Which kind wants what, and why: docs/decisions/0024.
import type { ConversationNode } from '../conversations/conversation.ts';
import type { ReasoningHistory } from '../domain/message.ts';
import { isObject } from '../json/document.ts';
import { membersOf, valueText } from '../json/members.ts';
import { withMembers } from '../json/splice.ts';

/** A target as far as it decides what is sent back; a setting of the operator's wins over its kind. */
export interface ReplayTarget {
  readonly kind: string;
  readonly reasoningHistory?: ReasoningHistory;
}

/** What is not listed wants nothing: OpenAI and Azure refuse members of messages that they do not know. */
const BY_KIND: Readonly<Record<string, ReasoningHistory>> = {
  vllm: 'reasoning',
  ollama: 'reasoning',
  'llama.cpp': 'reasoning_content',
  sglang: 'reasoning_content',
  lmstudio: 'reasoning_content',
  openrouter: 'reasoning_details',
  anthropic: 'reasoning_details',
  gemini: 'reasoning_details',
};

export function replayOf({ kind, reasoningHistory }: ReplayTarget): ReasoningHistory {
  return reasoningHistory ?? BY_KIND[kind] ?? 'none';
}

/** The nodes as they are sent where reasoning goes back in this way. The same node always comes to the same bytes. */
export function withReasoning(
  nodes: readonly ConversationNode[],
  history: ReasoningHistory,
): readonly ConversationNode[] {
  if (history === 'none') return nodes;
  return nodes.map((node) => {
    if (node.role !== 'assistant' || node.extra === null) return node;
    const members = membersOf(node.wire);
    // An imported message may have it in its own bytes, which are sent as they are.
    if (members.some(({ key }) => key.startsWith('reasoning'))) return node;
    const replayed = replayedMember(node.extra, history);
    return replayed === null
      ? node
      : { ...node, wire: withMembers(node.wire, members, { [replayed.key]: replayed.json }) };
  });
}

/** What of a node's `extra` goes back, as JSON text; null for nothing. */
function replayedMember(
  extra: string,
  history: ReasoningHistory,
): { key: string; json: string } | null {
  const value: unknown = JSON.parse(extra);
  if (!isObject(value)) return null;
  if (history === 'reasoning_details') {
    const details = detailsText(extra, value['reasoning_details']);
    if (details !== null) return { key: history, json: details };
  }
  const source = ['reasoning_content', 'reasoning'].find((key) => isText(value[key]));
  const json = source === undefined ? undefined : valueText(extra, source);
  if (json === undefined) return null;
  return { key: history === 'reasoning_content' ? 'reasoning_content' : 'reasoning', json };
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function detailsText(extra: string, details: unknown): string | null {
  if (!Array.isArray(details) || details.length === 0) return null;
  const whole = wholeReasoning(details);
  // What was sealed whole keeps its bytes.
  if (whole.length === details.length) return valueText(extra, 'reasoning_details') ?? null;
  return JSON.stringify(whole);
}

/**
 * The entries of `reasoning_details` put together from the fragments in which a stream delivers them: of one type and
 * index, texts are joined and of every other member the last value counts, signatures above all. Encrypted entries
 * come whole, and what has no index is no fragment.
 */
export function wholeReasoning(fragments: readonly unknown[]): unknown[] {
  const entries: unknown[] = [];
  for (const fragment of fragments) {
    const at = entries.findLastIndex((entry) => continues(entry, fragment));
    if (at === -1) entries.push(fragment);
    else entries[at] = joined(entries[at], fragment);
  }
  return entries;
}

function continues(entry: unknown, fragment: unknown): boolean {
  if (!isObject(entry) || !isObject(fragment)) return false;
  const { type, index, id } = fragment;
  if (typeof index !== 'number' || type === 'reasoning.encrypted') return false;
  const isOther = isText(id) && isText(entry['id']) && id !== entry['id'];
  return entry['index'] === index && entry['type'] === type && !isOther;
}

const JOINED = new Set(['text', 'summary']);

function joined(entry: unknown, fragment: unknown): Record<string, unknown> {
  const whole: Record<string, unknown> = isObject(entry) ? { ...entry } : {};
  for (const [key, value] of Object.entries(isObject(fragment) ? fragment : {})) {
    if (value === null) {
      if (!(key in whole)) whole[key] = null;
      continue;
    }
    const before = whole[key];
    whole[key] =
      JOINED.has(key) && typeof before === 'string' && typeof value === 'string'
        ? before + value
        : value;
  }
  return whole;
}
