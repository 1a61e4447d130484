// POST …/fork, GET …/export and POST /c1/import: a conversation's other lives.
import { decodeArchive, encodeArchive } from '../../conversations/archive-lines.ts';
import type { ConversationStore } from '../../conversations/store.ts';
import type { Clock } from '../../domain/clock.ts';
import { GatewayError } from '../../domain/errors.ts';
import { newId } from '../../domain/ids.ts';
import { readDocument, readText, type MediaType } from '../body.ts';
import { checkShape } from '../check-shape.ts';
import type { HttpContext } from '../exchange.ts';
import { LinesBody, type LinesBodyOptions } from '../lines-body.ts';
import { asResponse } from '../web-reply.ts';
import { ReplyHeaders } from '../wire/reply.ts';
import { conversationNotFound, detailOf } from './conversations.ts';
import { forkShape, ownerQuery } from './conversation-shapes.ts';
import { scopeOf } from './scope.ts';

export interface BranchRoutesDeps extends LinesBodyOptions {
  readonly store: ConversationStore;
  readonly clock: Pick<Clock, 'now'>;
  readonly maxBodyBytes: number;
}

export function branchRoutes({ store, clock, maxBodyBytes, ...stalling }: BranchRoutesDeps) {
  return {
    async fork(context: HttpContext): Promise<Response> {
      const { exchange } = context.env;
      const query = checkShape(ownerQuery, context.req.query());
      const { isEmpty } = exchange.request.body;
      const value = isEmpty ? {} : (await readDocument(exchange, maxBodyBytes)).value;
      const body = checkShape(forkShape, value);
      const scope = scopeOf(exchange.principal, query.user_id ?? body.user_id ?? null);
      const id = context.req.param('id') ?? '';
      const source = (await store.conversation(scope, id)) ?? conversationNotFound();
      const node = body.node ?? source.head;
      if (node === null) {
        throw new GatewayError('invalid_field', {
          message: 'The conversation has no message yet that a fork could share.',
          param: 'node',
        });
      }
      const title = body.title ?? source.title;
      const forked = await store.fork({
        scope,
        id,
        node,
        newId: newId('conv'),
        title,
        createdAt: clock.now(),
      });
      if (!forked) {
        throw new GatewayError('invalid_field', {
          message:
            'node is no message of this conversation. GET /c1/conversations/{id}?tree=1 lists them.',
          param: 'node',
        });
      }
      return context.json(detailOf(forked), 201, { 'x-conversation-id': forked.id });
    },

    async exportLines(context: HttpContext): Promise<Response> {
      const { user_id } = checkShape(ownerQuery, context.req.query());
      const scope = scopeOf(context.env.exchange.principal, user_id ?? null);
      const id = context.req.param('id') ?? '';
      const archive = (await store.archive(scope, id)) ?? conversationNotFound();
      return asResponse({
        status: 200,
        headers: new ReplyHeaders({
          'content-type': 'application/jsonl',
          'content-disposition': `attachment; filename="${id}.jsonl"`,
        }),
        body: new LinesBody(encodeArchive(archive), stalling),
      });
    },

    async importLines(context: HttpContext): Promise<Response> {
      const { exchange } = context.env;
      const { user_id } = checkShape(ownerQuery, context.req.query());
      const scope = scopeOf(exchange.principal, user_id ?? null);
      const text = await readText(exchange, maxBodyBytes, JSON_LINES);
      const archive = decodeArchive(text.split('\n'));
      if (!(await store.restore(scope, archive))) {
        throw new GatewayError('invalid_field', {
          message:
            'A conversation with this id is here already. Delete it first, or leave the import.',
          param: 'line 1',
        });
      }
      const restored =
        (await store.conversation(scope, archive.conversation.id)) ?? conversationNotFound();
      return context.json(detailOf(restored), 201, { 'x-conversation-id': restored.id });
    },
  };
}

/** What an export calls itself, and what it is called elsewhere. */
const JSON_LINES: MediaType = {
  name: 'application/jsonl',
  pattern: /^application\/(?:jsonl|x-ndjson|jsonlines)\s*(?:;|$)/i,
};
