// One turn's prompt for whichever target is asked: targets differ in how much of earlier reasoning they want, and each
// form is made once.
import type { Blob, ConversationNode, RenderProfile } from '../conversations/conversation.ts';
import type { ReasoningHistory } from '../domain/message.ts';
import { assembleMessages } from './assemble.ts';
import { replayOf, withReasoning, type ReplayTarget } from './replay.ts';

/** JSON text of the messages array for a target. */
export function promptFor(
  profile: Pick<RenderProfile, 'system'>,
  nodes: readonly ConversationNode[],
  blobs: ReadonlyMap<string, Blob>,
): (target: ReplayTarget) => string {
  const made = new Map<ReasoningHistory, string>();
  return (target) => {
    const history = replayOf(target);
    const known = made.get(history);
    if (known !== undefined) return known;
    const messages = assembleMessages(profile, withReasoning(nodes, history), blobs);
    made.set(history, messages);
    return messages;
  };
}
