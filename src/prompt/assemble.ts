// The prompt of a turn: the stored bytes of every message, joined. No parsing, no re-serialising, no clock, no
// trimming: within an epoch each prompt begins with the bytes of the one before, and that is what lets an engine
// reuse its KV cache.
import type { Blob, ConversationNode, RenderProfile } from '../conversations/conversation.ts';
import { membersOf } from '../json/members.ts';
import { withMembers } from '../json/splice.ts';
import { fillMarks } from './blob-mark.ts';

/** JSON text of the messages array for `nodes` (from the first message on) under `profile`. */
export function assembleMessages(
  profile: Pick<RenderProfile, 'system'>,
  nodes: readonly ConversationNode[],
  blobs: ReadonlyMap<string, Blob>,
): string {
  const wires = [profile.system, ...wiresOf(nodes, blobs)];
  return `[${wires.filter((wire) => wire !== null).join(',')}]`;
}

/** How each of the messages is sent; null for one that is not. */
export function wiresOf(
  nodes: readonly ConversationNode[],
  blobs: ReadonlyMap<string, Blob>,
): (string | null)[] {
  return nodes.map((node, index) => {
    const wire = answeredWire(node, nodes, index + 1);
    return wire === null ? null : fillMarks(wire, blobs);
  });
}

/** The ids of the tool calls that a message asks for; empty for any other message. */
export function toolCallIds(wire: string): string[] {
  if (!wire.includes('"tool_calls"')) return [];
  const { tool_calls } = parseWire(wire) as { tool_calls?: { id?: string }[] };
  return (tool_calls ?? []).flatMap(({ id }) => (id === undefined ? [] : [id]));
}

/**
 * Engines refuse a tool call without its result. A person may go on without giving one, and then the call is left
 * out: null when nothing else is in the message. Its results, if any, begin at nodes[next].
 */
function answeredWire(
  node: ConversationNode,
  nodes: readonly ConversationNode[],
  next: number,
): string | null {
  if (node.role !== 'assistant' || next === nodes.length) return node.wire;
  const called = toolCallIds(node.wire);
  if (called.length === 0) return node.wire;
  const answered = new Set<unknown>();
  for (let index = next; nodes[index]?.role === 'tool'; index++) {
    answered.add(parseWire(nodes[index]?.wire ?? '{}')['tool_call_id']);
  }
  if (called.every((id) => answered.has(id))) return node.wire;
  if (!parseWire(node.wire)['content']) return null;
  return withMembers(node.wire, membersOf(node.wire), { tool_calls: null });
}

/** An image's mark is no JSON; without its NULs it reads as text. */
function parseWire(wire: string): Record<string, unknown> {
  return JSON.parse(wire.replaceAll('\u0000', '')) as Record<string, unknown>;
}
