// GET /c1/turns/{id}, /c1/turns/{id}/events and POST /c1/turns/{id}/cancel: look at a turn, follow it from where a
// connection was lost, end it.
import { followTurn, storedText } from '../../chat/follow-turn.ts';
import type { Turns } from '../../chat/turns.ts';
import type { Deadlines } from '../../domain/deadlines.ts';
import { GatewayError } from '../../domain/errors.ts';
import { checkShape } from '../check-shape.ts';
import type { Exchange, HttpContext } from '../exchange.ts';
import { streamReply } from '../reply.ts';
import { asResponse } from '../web-reply.ts';
import { ReplyHeaders } from '../wire/reply.ts';
import type { RequestHeaders } from '../wire/request-head.ts';
import { scopeOf } from './scope.ts';
import { shownTurn } from './shown-turn.ts';
import { eventsQuery, SEQ, turnQuery, type TurnWithText } from './turn-shapes.ts';
import { renderTurnError, turnEvents } from './turn-stream.ts';

export interface TurnRoutesDeps {
  readonly turns: Turns;
  readonly deadlines: Deadlines;
  readonly heartbeatMs: number;
  readonly stallMs: number;
}

export function turnRoutes({ turns, ...deps }: TurnRoutesDeps) {
  const scopeIn = (context: HttpContext) =>
    scopeOf(
      context.env.exchange.principal,
      checkShape(turnQuery, context.req.query()).user_id ?? null,
    );
  const idIn = (context: HttpContext) => context.req.param('id') ?? '';

  function linkTo(turnId: string, { record }: Exchange): void {
    const trace = record.trace && turns.find(turnId)?.trace;
    if (trace) record.linkedTo = trace;
  }

  return {
    async read(context: HttpContext): Promise<Response> {
      const turn = await turns.store.turn(scopeIn(context), idIn(context));
      if (!turn) throw new GatewayError('turn_not_found', { param: 'turn_id' });
      const text = await storedText(turn, turns.store);
      return context.json({ ...shownTurn(turn), text } satisfies TurnWithText);
    },

    async events(context: HttpContext): Promise<Response> {
      const { exchange } = context.env;
      const { after, user_id } = checkShape(eventsQuery, context.req.query());
      const scope = scopeOf(exchange.principal, user_id ?? null);
      const turnId = idIn(context);
      const turn = await turns.store.turn(scope, turnId);
      if (!turn) throw new GatewayError('turn_not_found', { param: 'turn_id' });
      const { record, requestId, signal } = exchange;
      Object.assign(record, { stream: true, turnId, conversationId: turn.conversationId });
      linkTo(turnId, exchange);
      const headers = new ReplyHeaders({
        'x-conversation-id': turn.conversationId,
        'x-turn-id': turnId,
      });
      const request = {
        turnId,
        scope,
        requestId,
        after: lastEventSeen(exchange.request.headers, turnId) ?? after ?? -1,
      };
      const reply = await streamReply(exchange, {
        source: turnEvents(turnId, followTurn(request, turns, signal)),
        headers,
        renderError: renderTurnError(turnId, requestId),
        opensWithError: true,
        ...deps,
      });
      return asResponse(reply);
    },

    async cancel(context: HttpContext): Promise<Response> {
      const [scope, turnId] = [scopeIn(context), idIn(context)];
      linkTo(turnId, context.env.exchange);
      return context.json(shownTurn(await turns.cancel(scope, turnId)));
    },
  };
}

/** The seq in `Last-Event-ID: <turn>.<seq>`, which browsers send by themselves when they reconnect. */
function lastEventSeen(headers: RequestHeaders, turnId: string): number | null {
  const id = headers.get('last-event-id');
  if (id === null || id === '') return null;
  const seq = id.startsWith(`${turnId}.`) ? id.slice(turnId.length + 1) : '';
  if (SEQ.test(seq)) return Number(seq);
  throw new GatewayError('invalid_field', {
    message: `Last-Event-ID is no event of this turn. Send the id of the last event that was seen: ${turnId}.<number>.`,
    param: 'last-event-id',
  });
}
