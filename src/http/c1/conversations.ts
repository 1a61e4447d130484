// GET, PATCH and DELETE of /c1/conversations: what is remembered.
import type { Conversation, ConversationNode, Scope } from '../../conversations/conversation.ts';
import type { ConversationStore } from '../../conversations/store.ts';
import type { Turns } from '../../chat/turns.ts';
import { GatewayError } from '../../domain/errors.ts';
import { fillMarks } from '../../prompt/blob-mark.ts';
import { readDocument } from '../body.ts';
import { checkShape } from '../check-shape.ts';
import type { HttpContext } from '../exchange.ts';
import {
  changeShape,
  listQuery,
  ownerQuery,
  readQuery,
  type ConversationDetail,
  type ConversationList,
  type ConversationSummary,
  type ConversationWithMessages,
  type StoredMessage,
} from './conversation-shapes.ts';
import { scopeOf } from './scope.ts';
import { shownTurn } from './shown-turn.ts';

export interface ConversationRoutesDeps {
  readonly store: ConversationStore;
  readonly turns: Pick<Turns, 'cancelConversation'>;
  readonly maxBodyBytes: number;
}

export function conversationRoutes({ store, turns, maxBodyBytes }: ConversationRoutesDeps) {
  const found = async (scope: Scope, id: string): Promise<Conversation> =>
    (await store.conversation(scope, id)) ?? conversationNotFound();

  return {
    async list(context: HttpContext): Promise<Response> {
      const { limit, offset, q, user_id } = checkShape(listQuery, context.req.query());
      const scope = scopeOf(context.env.exchange.principal, user_id ?? null);
      const query = q === undefined || q.trim() === '' ? null : q.trim();
      const { items, total } = await store.list(scope, { limit, offset, query });
      return context.json({
        items: items.map(summaryOf),
        total,
        limit,
        offset,
      } satisfies ConversationList);
    },

    async read(context: HttpContext): Promise<Response> {
      const { user_id, tree } = checkShape(readQuery, context.req.query());
      const scope = scopeOf(context.env.exchange.principal, user_id ?? null);
      const conversation = await found(scope, context.req.param('id') ?? '');
      return context.json({
        ...detailOf(conversation),
        ...(tree === '1'
          ? await treeOf(scope, conversation, store)
          : { messages: await messagesOf(conversation, store) }),
      } satisfies ConversationWithMessages);
    },

    async change(context: HttpContext): Promise<Response> {
      const { exchange } = context.env;
      const query = checkShape(ownerQuery, context.req.query());
      const document = await readDocument(exchange, maxBodyBytes);
      const { title, metadata, head, user_id } = checkShape(changeShape, document.value);
      if (title === undefined && metadata === undefined && head === undefined) {
        throw new GatewayError('missing_field', {
          message: 'Give title, metadata or head.',
          param: 'title',
        });
      }
      const scope = scopeOf(exchange.principal, query.user_id ?? user_id ?? null);
      const changes = {
        ...(title === undefined ? {} : { title: title?.toWellFormed() ?? null }),
        ...(metadata === undefined ? {} : { metadata }),
      };
      if (head !== undefined)
        await moveHead({ scope, id: context.req.param('id') ?? '', head }, store);
      const changed = await store.change(scope, context.req.param('id') ?? '', changes);
      return context.json(detailOf(changed ?? conversationNotFound()));
    },

    async remove(context: HttpContext): Promise<Response> {
      const { user_id } = checkShape(ownerQuery, context.req.query());
      const scope = scopeOf(context.env.exchange.principal, user_id ?? null);
      const id = context.req.param('id') ?? '';
      if (!(await store.remove(scope, id))) conversationNotFound();
      turns.cancelConversation(id);
      return context.body(null, 204);
    },
  };
}

export function conversationNotFound(): never {
  throw new GatewayError('conversation_not_found', { param: 'conversation_id' });
}

function summaryOf(conversation: Conversation): ConversationSummary {
  const { id, title, epoch, messageCount, createdAt, lastUsedAt } = conversation;
  return {
    id,
    title,
    model: epoch.profile.model,
    message_count: messageCount,
    created_at: unixSeconds(createdAt),
    last_used_at: unixSeconds(lastUsedAt),
  };
}

export function detailOf(conversation: Conversation): ConversationDetail {
  const { profile } = conversation.epoch;
  return {
    ...summaryOf(conversation),
    object: 'conversation',
    user_id: conversation.userId,
    head: conversation.head,
    system:
      profile.system === null ? null : (JSON.parse(profile.system) as { content: string }).content,
    tools: profile.tools === null ? [] : (JSON.parse(profile.tools) as unknown[]),
    metadata: conversation.metadata,
  };
}

/** Lets another branch be the one that goes on. */
async function moveHead(
  { scope, id, head }: { scope: Scope; id: string; head: string },
  store: ConversationStore,
): Promise<void> {
  switch (await store.moveHead(scope, id, head)) {
    case 'moved':
      return;
    case 'busy':
      throw new GatewayError('conversation_busy', {
        message: 'A turn of this conversation is running. Wait for it to end, then move the head.',
        param: 'head',
      });
    case 'no_such_node':
      throw new GatewayError('invalid_field', {
        message: 'head is no message of this conversation.',
        param: 'head',
      });
    case 'not_found':
      conversationNotFound();
  }
}

/** The messages of all branches, parents before children, and the turns that made them, oldest first. */
async function treeOf(scope: Scope, { id }: Conversation, store: ConversationStore) {
  const { nodes, blobs, turns } = (await store.archive(scope, id)) ?? conversationNotFound();
  const byHash = new Map(blobs.map((blob) => [blob.sha256, blob]));
  return {
    messages: nodes.map((node) => messageOf(node, fillMarks(node.wire, byHash))),
    turns: turns.map(shownTurn),
  };
}

async function messagesOf({ id, head }: Conversation, store: ConversationStore) {
  const nodes = await store.path(id, head);
  const hashes = [...new Set(nodes.flatMap(({ blobs }) => blobs))];
  const blobs = new Map(
    (hashes.length > 0 ? await store.blobs(hashes) : []).map((blob) => [blob.sha256, blob]),
  );
  return nodes.map((node) => messageOf(node, fillMarks(node.wire, blobs)));
}

/** The message as it goes upstream, with what the upstream said beside it, its id and its time. */
function messageOf(
  { id, parent, extra, createdAt }: ConversationNode,
  wire: string,
): StoredMessage {
  const ours = { id, parent };
  return {
    ...ours,
    ...(JSON.parse(wire) as Pick<StoredMessage, 'role' | 'content'>),
    ...(extra === null ? {} : (JSON.parse(extra) as object)),
    // Nothing keeps an upstream from putting an id of its own into a message.
    ...ours,
    created_at: unixSeconds(createdAt),
  };
}

function unixSeconds(ms: number): number {
  return Math.floor(ms / 1000);
}
