// POST /c1/chat: one message in, the server keeps the history. The turn runs by itself; this connection follows it.
import { followTurn, turnCompletion, type FollowDeps } from '../../chat/follow-turn.ts';
import { TurnCancelled } from '../../chat/live-turn.ts';
import { raiseTokenLimits } from '../../chat/token-limits.ts';
import type { BegunTurn, Turns, TurnSetup } from '../../chat/turns.ts';
import type { Scope } from '../../conversations/conversation.ts';
import type { Deadlines } from '../../domain/deadlines.ts';
import { tokenCounts } from '../../domain/message.ts';
import type { Catalog } from '../../routing/catalog.ts';
import { readDocument } from '../body.ts';
import { checkShape } from '../check-shape.ts';
import { isClientGone } from '../client-gone.ts';
import type { Exchange } from '../exchange.ts';
import { jsonReply, noteAnswer, noteAttempt, streamReply } from '../reply.ts';
import { ReplyHeaders, type Reply } from '../wire/reply.ts';
import { checkChatBody, turnRequest } from './chat-body.ts';
import { chatShape } from './chat-shape.ts';
import { isPlainBody } from './plain-body.ts';
import { renderTurnError, turnEvents, withTurnHeaders } from './turn-stream.ts';

export interface PostChatDeps {
  readonly catalog: Catalog;
  readonly turns: Turns;
  readonly router: TurnSetup['router'];
  readonly turnOptions: TurnSetup['options'];
  readonly deadlines: Deadlines;
  readonly heartbeatMs: number;
  readonly stallMs: number;
  readonly maxBodyBytes: number;
}

export function postChat(deps: PostChatDeps) {
  return async (exchange: Exchange): Promise<Reply> => {
    const document = await readDocument(exchange, deps.maxBodyBytes);
    const { value } = document;
    const body = isPlainBody(value) ? value : checkShape(chatShape, value);
    const { record } = exchange;
    record.alias = body.model;
    record.stream = body.stream === true;
    const alias = deps.catalog.find(body.model);
    checkChatBody(document, body, alias);
    const limits = raiseTokenLimits(document.value, alias.minMaxTokens);
    const request = turnRequest(exchange, { document, body, limits: limits.changes });

    const setup = { alias, router: deps.router, options: deps.turnOptions };
    const turn = await deps.turns.begin(request, setup, {
      onAttempt: (target) => noteAttempt(exchange, target),
      onAnswer: (target) => noteAnswer(exchange, target),
      onUsage(usage) {
        record.usage = tokenCounts(usage);
      },
    });
    record.conversationId = turn.conversationId;
    record.turnId = turn.turnId;
    if (body.on_disconnect === 'cancel') cancelWithClient(exchange, turn, deps.turns);
    const headers = turnHeaders(turn, limits.applied);
    return await withTurnHeaders(headers, () =>
      replyWith(exchange, { turn, headers, scope: request.scope, alias: alias.name }, deps),
    );
  };
}

function turnHeaders(turn: BegunTurn, limitsApplied: readonly string[]): ReplyHeaders {
  const headers = new ReplyHeaders({
    'x-conversation-id': turn.conversationId,
    'x-turn-id': turn.turnId,
  });
  const applied =
    turn.compactedTurns > 0
      ? [...limitsApplied, `history_compacted=${turn.compactedTurns}`]
      : limitsApplied;
  if (applied.length > 0) headers.set('x-gateway-applied', applied.join(', '));
  if (turn.isRepeat) headers.set('idempotent-replayed', 'true');
  return headers;
}

interface TurnReply {
  readonly turn: BegunTurn;
  readonly headers: ReplyHeaders;
  readonly scope: Scope;
  readonly alias: string;
}

async function replyWith(exchange: Exchange, reply: TurnReply, deps: PostChatDeps): Promise<Reply> {
  const { signal, requestId, record } = exchange;
  const { turn, headers, scope, alias } = reply;
  const request = { turnId: turn.turnId, live: turn.live, scope, requestId, after: -1 };
  const follow: FollowDeps = deps.turns;
  if (record.stream) {
    const source = turnEvents(turn.turnId, followTurn(request, follow, signal));
    return await streamReply(exchange, {
      source,
      headers,
      renderError: renderTurnError(turn.turnId, requestId),
      ...deps,
    });
  }
  const { conversationId } = turn;
  const json = await turnCompletion({ ...request, conversationId, alias }, follow, signal);
  return jsonReply(exchange, json, headers);
}

function cancelWithClient({ signal }: Exchange, { turnId }: BegunTurn, turns: Turns): void {
  const onAbort = () => {
    if (isClientGone(signal.reason))
      turns.find(turnId)?.cancel(new TurnCancelled('the client left'));
  };
  // It may have left while the turn was being accepted.
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort);
}
