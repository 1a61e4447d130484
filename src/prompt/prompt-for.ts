// One turn's prompt for whichever target is asked: targets differ in how much of earlier reasoning they want, and each
// form is made once.
import type { Blob, ConversationNode, RenderProfile } from '../conversations/conversation.ts';
import type { ReasoningHistory } from '../domain/message.ts';
import { assembleMessages } from './assemble.ts';
import { replayOf, withReasoning, type ReplayTarget } from './replay.ts';

/** The messages array as a request holds it. */
export interface Messages {
  /** JSON text. */
  readonly text: string;
  /** The same as UTF-8, piece by piece, where it is at hand. */
  readonly bytes?: readonly Uint8Array[];
}

/** The messages for a target. */
export function promptFor(
  profile: Pick<RenderProfile, 'system'>,
  nodes: readonly ConversationNode[],
  blobs: ReadonlyMap<string, Blob>,
): (target: ReplayTarget) => Messages {
  const made = new Map<ReasoningHistory, Messages>();
  return (target) => {
    const history = replayOf(target);
    const known = made.get(history);
    if (known !== undefined) return known;
    const messages = { text: assembleMessages(profile, withReasoning(nodes, history), blobs) };
    made.set(history, messages);
    return messages;
  };
}
