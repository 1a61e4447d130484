// The prompt of a conversation that goes on, kept from one turn to the next: the bytes of a prompt's messages never
// change, so the next prompt is these bytes and what is new, and nobody has to look at the messages before. A message
// is kept as bytes once nothing can change how it is sent, which is when the user has spoken after it: until then it
// may have tool calls that are never answered.
import type { Blob, ConversationNode, RenderProfile } from '../conversations/conversation.ts';
import type { ReasoningHistory } from '../domain/message.ts';
import { wiresOf } from './assemble.ts';
import type { Messages } from './prompt-for.ts';
import { replayOf, withReasoning, type ReplayTarget } from './replay.ts';
import { guessedTokens } from './window.ts';

export interface KeptPrompt {
  /** What it was made under. */
  readonly profile: Pick<RenderProfile, 'system' | 'since'>;
  /** How reasoning goes back in it; null where there is none, and every target is sent the same. */
  readonly history: ReasoningHistory | null;
  /** JSON text of the messages up to and with the user's last one: the array without its closing bracket. */
  readonly text: string;
  /** The same as UTF-8. */
  readonly bytes: Uint8Array;
  /** What came after the user's last message. */
  readonly open: readonly ConversationNode[];
  /** Of all messages, as nobody has counted them. */
  readonly guessedTokens: number;
}

/** A prompt as it is sent, and as it is kept once it has its answer. */
export interface GrowingPrompt {
  messagesFor(target: ReplayTarget): Messages;
  /** null for what cannot be gone on from like this: images are filled in from the store. */
  keptWith(answer: ConversationNode): KeptPrompt | null;
}

/** Whether what a turn asks for goes on from these bytes, whoever of `targets` is asked. */
export function goesOnFrom(
  { profile, history }: KeptPrompt,
  next: Pick<RenderProfile, 'system' | 'since'>,
  targets: readonly ReplayTarget[],
): boolean {
  if (profile.system !== next.system || profile.since !== next.since) return false;
  return history === null || targets.every((target) => replayOf(target) === history);
}

/** The prompt with more messages at its end; `blobs` are those that they show. */
export function grownPrompt(
  kept: KeptPrompt,
  input: readonly ConversationNode[],
  { blobs, target }: { blobs: ReadonlyMap<string, Blob>; target: ReplayTarget },
): GrowingPrompt {
  const nodes = [...kept.open, ...input];
  const wires = wiresOf(withReasoning(nodes, replayOf(target)), blobs);
  const tail = `,${present(wires).join(',')}]`;
  const messages: Messages = { text: kept.text + tail, bytes: [kept.bytes, Buffer.from(tail)] };
  return {
    messagesFor: () => messages,
    keptWith(answer) {
      const closed = nodes.findLastIndex(({ role }) => role === 'user') + 1;
      const more = present(wires.slice(0, closed)).map((wire) => `,${wire}`);
      return withAnswer(answer, {
        ...kept,
        text: kept.text + more.join(''),
        bytes: appended(kept.bytes, more.join('')),
        open: nodes.slice(closed),
        guessedTokens: kept.guessedTokens + guessedTokens(withReasoning(input, replayOf(target))),
        target,
      });
    },
  };
}

/** What is kept of a prompt that was made of all its messages. */
export function keptPrompt(
  profile: Pick<RenderProfile, 'system' | 'since'>,
  {
    nodes,
    messages,
    target,
  }: { nodes: readonly ConversationNode[]; messages: Messages; target: ReplayTarget },
  answer: ConversationNode,
): KeptPrompt | null {
  // After tool results alone, the next turn is made of all messages once more.
  if (nodes.at(-1)?.role !== 'user') return null;
  const text = messages.text.slice(0, -1);
  return withAnswer(answer, {
    profile,
    history: nodes.some(({ extra }) => extra !== null) ? replayOf(target) : null,
    text,
    bytes: appended(new Uint8Array(), text),
    open: [],
    guessedTokens: guessedTokens(withReasoning(nodes, replayOf(target))),
    target,
  });
}

function withAnswer(
  answer: ConversationNode,
  { target, ...prompt }: KeptPrompt & { readonly target: ReplayTarget },
): KeptPrompt | null {
  const open = [...prompt.open, answer];
  if (open.some(({ blobs }) => blobs.length > 0)) return null;
  const history = replayOf(target);
  return {
    ...prompt,
    history: prompt.history ?? (answer.extra === null ? null : history),
    open,
    guessedTokens: prompt.guessedTokens + guessedTokens(withReasoning([answer], history)),
  };
}

function present(wires: readonly (string | null)[]): string[] {
  return wires.filter((wire) => wire !== null);
}

/** How much longer than its text the memory is that a text gets: so often it need not be copied. */
const SPARE = 1.25;

/**
 * The bytes with a text behind them, in the same memory where that has room. Only the newest of the views on it may be
 * appended to: a kept prompt is replaced by the one that grew from it.
 */
function appended(bytes: Uint8Array, text: string): Uint8Array {
  const added = Buffer.byteLength(text);
  const length = bytes.length + added;
  let memory = Buffer.from(bytes.buffer);
  if (memory.length < length) {
    memory = Buffer.allocUnsafeSlow(Math.ceil(length * SPARE));
    memory.set(bytes);
  }
  memory.write(text, bytes.length);
  return memory.subarray(0, length);
}
