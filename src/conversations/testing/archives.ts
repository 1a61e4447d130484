// Conversations to be exported: any there can be, and a small one to break.
import fc from 'fast-check';
import { newId } from '../../domain/ids.ts';
import { blobHash } from '../blob.ts';
import { newBlob, newEpoch, newNode } from '../contract/samples.ts';
import type { Blob, Conversation, ConversationNode, Epoch } from '../conversation.ts';
import type { ConversationArchive } from '../store.ts';
import type { Turn } from '../turn.ts';

const anyText = fc.string({ unit: 'binary' });
/** What a title or a file name may be, half surrogate pairs among it. */
const oddText = fc.oneof(
  fc.constantFrom('\uFEFF\u2028\u0000\n', '😀 漢字 é e\u0301 مرحبا', '\ud83d half', '__proto__'),
  anyText,
);

const message = fc.record({
  parent: fc.nat(),
  role: fc.constantFrom('user', 'assistant', 'tool', 'developer'),
  text: anyText,
  shown: fc.array(fc.nat(), { maxLength: 3 }),
  spaces: fc.constantFrom('', ' ', '\n', '\t \r\n'),
  extra: fc.option(fc.json()),
});

const plan = fc.record({
  messages: fc.array(message, { maxLength: 12 }),
  images: fc.array(fc.uint8Array(), { maxLength: 4 }),
  epochs: fc.array(oddText, { minLength: 1, maxLength: 3 }),
  userId: fc.option(oddText),
  title: fc.option(oddText),
  metadata: fc.array(fc.tuple(oddText, oddText), { maxLength: 3 }),
  head: fc.option(fc.nat()),
  ttftMs: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true, min: 0.001 })),
  count: fc.option(fc.nat()),
});
type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never;
/** What has no part in how the rest hangs together. */
type Labels = Omit<Plan, 'messages' | 'images' | 'epochs'>;

/** With branches, images and characters of all kinds. */
export const anyArchive = plan.map((planned) => archiveOf(planned));

/** Two epochs, an image, three messages in a row, and the turn that the second one answered. */
export function smallArchive(): ConversationArchive {
  const blob = newBlob('picture');
  const wire = `{"role":"user","content":"\u0000${blob.sha256}\u0000"}`;
  const question = newNode(null, 'user', { wire, blobs: [blob.sha256] });
  const output = newNode(question, 'assistant', 'A book.');
  const nodes = [question, output, newNode(output, 'user', 'And then?')];
  const epochs = [newEpoch(0), newEpoch(1)];
  const planned = { title: 'A title', userId: null, metadata: [], head: 2, count: 1, ttftMs: 12 };
  const conversation = conversationOf(planned, nodes, epochs);
  const turns = [turnOf({ conversation, planned, output, epoch: pick(epochs, 0) })];
  return { conversation, epochs, nodes, blobs: [blob], turns };
}

function archiveOf(planned: Plan): ConversationArchive {
  const epochs = planned.epochs.map((model, ordinal) => newEpoch(ordinal, { model, system: '""' }));
  const mime = 'image/png';
  const images = planned.images.map((bytes) => ({
    sha256: blobHash({ mime, bytes }),
    mime,
    bytes,
  }));
  const blobs = [...new Map(images.map((blob) => [blob.sha256, blob])).values()];
  const nodes: ConversationNode[] = [];
  for (const each of planned.messages) nodes.push(nodeOf(each, nodes, blobs));
  const conversation = conversationOf(planned, nodes, epochs);
  const turns = nodes
    .filter(({ parent }) => parent !== null)
    .map((output, i) => turnOf({ conversation, planned, output, epoch: pick(epochs, i) }));
  return { conversation, epochs, nodes, blobs, turns };
}

function nodeOf(
  { parent, role, text, shown, spaces, extra }: Plan['messages'][number],
  nodes: readonly ConversationNode[],
  blobs: readonly Blob[],
): ConversationNode {
  const hashes = shown.flatMap((number) => (blobs.length === 0 ? [] : pick(blobs, number).sha256));
  const urls = hashes.map((hash) => `"\u0000${hash}\u0000"`);
  const content = `[${[JSON.stringify(text.toWellFormed()), ...urls].join(`,${spaces}`)}]`;
  const wire = `{"role":"${role}",${spaces}"content":${content}}`;
  const above = nodes[parent % (nodes.length + 1)] ?? null;
  return newNode(above, role, { wire, text, extra, blobs: hashes });
}

function conversationOf(
  { title, userId, metadata, head, count }: Labels,
  nodes: readonly ConversationNode[],
  epochs: readonly Epoch[],
): Conversation {
  const last = head === null || nodes.length === 0 ? null : pick(nodes, head);
  return {
    id: newId('conv'),
    userId,
    title,
    head: last?.id ?? null,
    epoch: pick(epochs, count ?? 0),
    messageCount: last === null ? 0 : last.depth + 1,
    rev: 1 + (count ?? 0),
    metadata: Object.fromEntries(metadata),
    createdAt: 1_000,
    lastUsedAt: 2_000,
  };
}

interface TurnPlan {
  readonly conversation: Conversation;
  readonly planned: Labels;
  readonly output: ConversationNode;
  readonly epoch: Epoch;
}

function turnOf({ conversation, planned, output, epoch }: TurnPlan): Turn {
  const { count, ttftMs, title } = planned;
  const inputNode = output.parent ?? '';
  const failed = count === null;
  return {
    id: newId('turn'),
    conversationId: conversation.id,
    parentNode: failed ? null : inputNode,
    inputNode,
    outputNode: failed ? null : output.id,
    status: failed ? 'failed' : 'completed',
    idempotencyKey: title,
    requestFingerprint: 'fingerprint',
    upstream: title,
    upstreamModel: failed ? null : 'm',
    finishReason: failed ? null : 'stop',
    errorCode: failed ? 'upstream_interrupted' : null,
    errorReply: failed ? { status: 504, retryAfterMs: count } : null,
    usage: { promptTokens: count, completionTokens: count, cachedTokens: null },
    expectedCachedTokens: count,
    prefixBreak: failed ? null : 'eviction',
    epochId: epoch.id,
    ttftMs,
    createdAt: 1_000,
    startedAt: failed ? null : 1_001,
    endedAt: 1_002,
  };
}

function pick<T>(items: readonly T[], number: number): T {
  const item = items[number % items.length];
  if (item === undefined) throw new Error('there is nothing to pick from');
  return item;
}
