// Epochs: what of a prompt is not a message stays pinned, byte for byte, until somebody changes its meaning.
import type {
  Conversation,
  ConversationNode,
  Epoch,
  RenderProfile,
} from '../conversations/conversation.ts';
import { newId } from '../domain/ids.ts';

/** The profile that a turn asks for, before it is held against the pinned one. */
export interface AskedProfile {
  readonly model: string;
  /** JSON text, or null where the turn gives none: then the pinned one holds. */
  readonly system: string | null;
  /** JSON text of the tools array; null where the turn names no tools: then the pinned ones hold. */
  readonly tools: string | null;
  readonly toolChoice: string | null;
  readonly responseFormat: string | null;
}

/** The epoch that the turn runs in: the current one, or a new one with the reason of the break. */
export function nextEpoch(
  conversation: Pick<Conversation, 'epoch' | 'head'> | null,
  asked: AskedProfile,
): { epoch: Epoch; isNew: boolean } {
  const emptyToNull = (tools: string | null) =>
    tools !== null && sameJson(tools, '[]') ? null : tools;
  if (conversation === null) {
    const profile: RenderProfile = { ...asked, tools: emptyToNull(asked.tools) };
    return { epoch: { id: newId('epoch'), ordinal: 0, profile, reason: 'first' }, isNew: true };
  }
  const current = conversation.epoch;
  const pinned = current.profile;
  const profile: RenderProfile = {
    model: asked.model,
    // A system prompt that nothing was answered under may still be changed.
    system: conversation.head === null ? (asked.system ?? pinned.system) : pinned.system,
    tools: asked.tools === null ? pinned.tools : pin(pinned.tools, emptyToNull(asked.tools)),
    toolChoice: pin(pinned.toolChoice, asked.toolChoice),
    responseFormat: pin(pinned.responseFormat, asked.responseFormat),
    ...(pinned.since === undefined ? {} : { since: pinned.since }),
  };
  const reason = breakReason(pinned, profile);
  if (reason === null) return { epoch: current, isNew: false };
  return {
    epoch: { id: newId('epoch'), ordinal: current.ordinal + 1, profile, reason },
    isNew: true,
  };
}

/** The epoch that begins where a conversation's oldest messages leave its prompt. */
export function compactedEpoch(current: Epoch, since: string): Epoch {
  const profile = { ...current.profile, since };
  return { id: newId('epoch'), ordinal: current.ordinal + 1, profile, reason: 'compaction' };
}

/** The messages of a path that are sent in this epoch: those from `since` on, or all where that is on another branch. */
export function sentMessages(
  nodes: readonly ConversationNode[],
  { since }: Pick<RenderProfile, 'since'>,
): readonly ConversationNode[] {
  const first = since === undefined ? -1 : nodes.findIndex(({ id }) => id === since);
  return first <= 0 ? nodes : nodes.slice(first);
}

/** The pinned bytes where both mean the same: clients re-serialise, and order and spacing would break the prefix. */
function pin(pinned: string | null, asked: string | null): string | null {
  return pinned !== null && asked !== null && sameJson(pinned, asked) ? pinned : asked;
}

function breakReason(pinned: RenderProfile, next: RenderProfile): Epoch['reason'] | null {
  if (pinned.model !== next.model) return 'model';
  if (pinned.system !== next.system) return 'system';
  if (pinned.tools !== next.tools) return 'tools';
  if (pinned.toolChoice !== next.toolChoice) return 'tool_choice';
  if (pinned.responseFormat !== next.responseFormat) return 'response_format';
  return null;
}

/** Whether two JSON texts mean the same, whatever their member order and spacing. */
export function sameJson(a: string, b: string): boolean {
  return a === b || Bun.deepEquals(JSON.parse(a), JSON.parse(b), true);
}
