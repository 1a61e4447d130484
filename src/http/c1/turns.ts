// GET /c1/turns/{id}, /c1/turns/{id}/events and POST /c1/turns/{id}/cancel: look at a turn, follow it from where a
// connection was lost, end it.
import { z } from 'zod';
import { followTurn, storedText } from '../../chat/follow-turn.ts';
import type { Turns } from '../../chat/turns.ts';
import type { Turn } from '../../conversations/turn.ts';
import type { Deadlines } from '../../domain/deadlines.ts';
import { GatewayError } from '../../domain/errors.ts';
import { checkShape } from '../check-shape.ts';
import type { HttpContext } from '../exchange.ts';
import { streamReply } from '../reply.ts';
import { scopeOf, userIdShape } from './scope.ts';
import { renderTurnError, turnEvents } from './turn-stream.ts';

export interface TurnRoutesDeps {
  readonly turns: Turns;
  readonly deadlines: Deadlines;
  readonly heartbeatMs: number;
  readonly stallMs: number;
}

const SEQ = /^(?:-1|\d{1,16})$/;

const ownerQuery = z.object({ user_id: userIdShape.optional() });
const eventsQuery = ownerQuery.extend({
  after: z
    .string()
    .regex(SEQ, 'must be the number of the last event that was seen; -1 for none')
    .transform(Number)
    .optional(),
});

export function turnRoutes({ turns, ...deps }: TurnRoutesDeps) {
  const scopeIn = (context: HttpContext) =>
    scopeOf(
      context.env.exchange.principal,
      checkShape(ownerQuery, context.req.query()).user_id ?? null,
    );
  const idIn = (context: HttpContext) => context.req.param('id') ?? '';

  return {
    async read(context: HttpContext): Promise<Response> {
      const turn = await turns.store.turn(scopeIn(context), idIn(context));
      if (!turn) throw new GatewayError('turn_not_found', { param: 'turn_id' });
      return context.json({ ...shownTurn(turn), text: await storedText(turn, turns.store) });
    },

    async events(context: HttpContext): Promise<Response> {
      const { exchange } = context.env;
      const { after, user_id } = checkShape(eventsQuery, context.req.query());
      const scope = scopeOf(exchange.principal, user_id ?? null);
      const turnId = idIn(context);
      const turn = await turns.store.turn(scope, turnId);
      if (!turn) throw new GatewayError('turn_not_found', { param: 'turn_id' });
      exchange.liftReadTimeout();
      const { record, requestId, signal } = exchange;
      Object.assign(record, { stream: true, turnId, conversationId: turn.conversationId });
      const headers = new Headers({
        'x-conversation-id': turn.conversationId,
        'x-turn-id': turnId,
      });
      const request = {
        turnId,
        scope,
        requestId,
        after: lastEventSeen(exchange.request.headers, turnId) ?? after ?? -1,
      };
      return await streamReply(exchange, {
        source: turnEvents(turnId, followTurn(request, turns, signal)),
        headers,
        renderError: renderTurnError(turnId, requestId),
        opensWithError: true,
        ...deps,
      });
    },

    async cancel(context: HttpContext): Promise<Response> {
      return context.json(shownTurn(await turns.cancel(scopeIn(context), idIn(context))));
    },
  };
}

/** The seq in `Last-Event-ID: <turn>.<seq>`, which browsers send by themselves when they reconnect. */
function lastEventSeen(headers: Headers, turnId: string): number | null {
  const id = headers.get('last-event-id');
  if (id === null || id === '') return null;
  const seq = id.startsWith(`${turnId}.`) ? id.slice(turnId.length + 1) : '';
  if (SEQ.test(seq)) return Number(seq);
  throw new GatewayError('invalid_field', {
    message: `Last-Event-ID is no event of this turn. Send the id of the last event that was seen: ${turnId}.<number>.`,
    param: 'last-event-id',
  });
}

function shownTurn(turn: Turn) {
  const { usage } = turn;
  const seconds = (ms: number | null) => (ms === null ? null : Math.floor(ms / 1000));
  return {
    id: turn.id,
    object: 'turn',
    conversation_id: turn.conversationId,
    status: turn.status,
    parent: turn.parentNode,
    input_node: turn.inputNode,
    output_node: turn.outputNode,
    upstream: turn.upstream,
    upstream_model: turn.upstreamModel,
    finish_reason: turn.finishReason,
    error_code: turn.errorCode,
    usage: {
      prompt_tokens: usage.promptTokens,
      completion_tokens: usage.completionTokens,
      cached_tokens: usage.cachedTokens,
      expected_cached_tokens: turn.expectedCachedTokens,
      prefix_break: turn.prefixBreak,
    },
    ttft_ms: turn.ttftMs,
    created_at: seconds(turn.createdAt),
    started_at: seconds(turn.startedAt),
    ended_at: seconds(turn.endedAt),
  };
}
