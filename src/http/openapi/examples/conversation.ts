// One conversation that the examples of /c1 tell of: imported, read, gone on with, forked, removed. All of it hangs
// together, so that each example can be sent as it is written (test/openapi-examples.test.ts does).
import { encodeArchive } from '../../../conversations/archive-lines.ts';
import { chainHash } from '../../../conversations/node.ts';
import type { Conversation, ConversationNode, Epoch } from '../../../conversations/conversation.ts';
import type { Turn } from '../../../conversations/turn.ts';

export const MODEL = 'llama-4-scout';
export const CONVERSATION_ID = 'conv_01a21308000070008000000000000001';
export const TURN_ID = 'turn_01a21308000070008000000000000002';
export const QUESTION_ID = 'node_01a21308000070008000000000000003';
export const ANSWER_ID = 'node_01a21308000070008000000000000004';
const EPOCH_ID = 'epoch_01a21308000070008000000000000005';
export const FORK_ID = 'conv_01a21308000070008000000000000006';

export const QUESTION = 'My favourite colour is teal. Remember that.';
export const ANSWER = 'Noted: your favourite colour is teal.';
/** Unix seconds. */
export const ASKED_AT = 1_764_072_000;
export const ANSWERED_AT = ASKED_AT + 2;

const question = nodeOf(null, {
  id: QUESTION_ID,
  role: 'user',
  text: QUESTION,
  createdAt: ASKED_AT * 1000,
});
const answer = nodeOf(question, {
  id: ANSWER_ID,
  role: 'assistant',
  text: ANSWER,
  createdAt: ANSWERED_AT * 1000,
});

const epoch: Epoch = {
  id: EPOCH_ID,
  ordinal: 0,
  profile: { model: MODEL, system: null, tools: null, toolChoice: null, responseFormat: null },
  reason: 'first',
};

const conversation: Conversation = {
  id: CONVERSATION_ID,
  userId: null,
  title: QUESTION,
  head: ANSWER_ID,
  epoch,
  messageCount: 2,
  rev: 2,
  metadata: {},
  createdAt: ASKED_AT * 1000,
  lastUsedAt: ANSWERED_AT * 1000,
};

const turn: Turn = {
  id: TURN_ID,
  conversationId: CONVERSATION_ID,
  parentNode: null,
  inputNode: QUESTION_ID,
  outputNode: ANSWER_ID,
  status: 'completed',
  idempotencyKey: null,
  requestFingerprint: 'fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603',
  upstream: 'spark',
  upstreamModel: 'nvidia/Llama-4-Scout-17B-16E-Instruct-NVFP4',
  finishReason: 'stop',
  errorCode: null,
  errorReply: null,
  usage: { promptTokens: 21, completionTokens: 9, cachedTokens: 0 },
  expectedCachedTokens: null,
  prefixBreak: null,
  epochId: EPOCH_ID,
  ttftMs: 412,
  createdAt: ASKED_AT * 1000,
  startedAt: ASKED_AT * 1000,
  endedAt: ANSWERED_AT * 1000,
};

/** As GET …/export writes it, and POST /c1/import takes it. */
export const ARCHIVE = `${[
  ...encodeArchive({
    conversation,
    epochs: [epoch],
    nodes: [question, answer],
    blobs: [],
    turns: [turn],
  }),
].join('\n')}\n`;

function nodeOf(
  parent: ConversationNode | null,
  node: Pick<ConversationNode, 'id' | 'role' | 'text' | 'createdAt'>,
): ConversationNode {
  const { id, role, text, createdAt } = node;
  const wire = JSON.stringify({ role, content: text });
  return {
    id,
    parent: parent?.id ?? null,
    depth: parent === null ? 0 : parent.depth + 1,
    role,
    wire,
    extra: null,
    prefixHash: chainHash(parent?.prefixHash ?? '', wire),
    text,
    blobs: [],
    createdAt,
  };
}
