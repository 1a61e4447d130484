// POST /c1/chat: one message in, the server keeps the history.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { checkTools } from '../../chat/chat-request.ts';
import { TurnCancelled, toTurnError, type LiveTurn } from '../../chat/live-turn.ts';
import { raiseTokenLimits } from '../../chat/token-limits.ts';
import type { TurnRequest } from '../../chat/turn-request.ts';
import type { Turns } from '../../chat/turns.ts';
import type { Deadlines } from '../../domain/deadlines.ts';
import { GatewayError } from '../../domain/errors.ts';
import { memberText, type JsonDocument } from '../../json/document.ts';
import { wellFormedJson } from '../../prompt/blob-mark.ts';
import { checkContent } from '../../prompt/check-content.ts';
import type { Alias, Catalog } from '../../routing/catalog.ts';
import { dataEvent, DONE } from '../../sse/encode.ts';
import type { EventSource } from '../../sse/event-stream.ts';
import { readDocument } from '../body.ts';
import { checkShape } from '../check-shape.ts';
import type { Exchange, HttpContext } from '../exchange.ts';
import { CLIENT_GONE, jsonReply, noteAttempt, streamReply } from '../reply.ts';
import { scopeOf, userIdShape } from './scope.ts';

const contentShape = z.union(
  [z.string().min(1), z.array(z.unknown()).min(1)],
  'must be a text or a list of content parts, and not empty',
);

const chatShape = z.looseObject({
  model: z.string(),
  message: contentShape.nullish(),
  images: z.array(z.string()).nullish(),
  conversation_id: z.string().min(1).nullish(),
  user_id: userIdShape.nullish(),
  provider: z.string().min(1).nullish(),
  system: z.string().min(1).nullish(),
  tools: z.array(z.unknown()).nullish(),
  tool_choice: z.union([z.string(), z.looseObject({})]).nullish(),
  response_format: z.looseObject({ type: z.string() }).nullish(),
  tool_results: z
    .array(
      z.looseObject({
        tool_call_id: z.string(),
        content: z.union([z.string(), z.array(z.unknown())]),
      }),
    )
    .nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  n: z.literal(1, 'must be 1: a conversation goes on from one answer').nullish(),
  expected_head: z.string().nullish(),
  on_disconnect: z.enum(['continue', 'cancel']).nullish(),
});

type ChatBody = z.output<typeof chatShape>;

/** What the gateway acts on itself; every other member is carried to the upstream as it came. */
const OWN_MEMBERS: ReadonlySet<string> = new Set(Object.keys(chatShape.shape));

/** Members that belong to other ways of asking, with what to do instead. */
const MISPLACED: Readonly<Record<string, string>> = {
  messages:
    'Send one message; the server keeps the history. For a history of your own use /v1/chat/completions.',
  parent: 'Branching is not available yet.',
};

export interface PostChatDeps {
  readonly catalog: Catalog;
  readonly turns: Turns;
  readonly deadlines: Deadlines;
  readonly heartbeatMs: number;
  readonly maxBodyBytes: number;
}

export function postChat(deps: PostChatDeps) {
  return async (context: HttpContext): Promise<Response> => {
    const { exchange } = context.env;
    const document = await readDocument(exchange.request, deps.maxBodyBytes);
    exchange.liftReadTimeout();
    const body = checkShape(chatShape, document.value);
    const { record } = exchange;
    record.alias = body.model;
    record.stream = body.stream === true;
    const alias = deps.catalog.find(body.model);
    checkBody(document, body, alias);
    const limits = raiseTokenLimits(document.value, alias.minMaxTokens);
    const request = turnRequest(exchange, { document, body, limits: limits.changes });

    const live = await deps.turns.begin(request, alias, {
      onAttempt: (target) => noteAttempt(exchange, target),
      onUsage(usage) {
        record.usage = usage;
      },
    });
    record.conversationId = live.conversationId;
    record.turnId = live.id;
    if (body.on_disconnect === 'cancel') cancelWithClient(exchange, live);
    const headers = new Headers({ 'x-conversation-id': live.conversationId, 'x-turn-id': live.id });
    if (limits.applied.length > 0) headers.set('x-gateway-applied', limits.applied.join(', '));
    return withTurnHeaders(live, () =>
      record.stream
        ? streamReply(exchange, { source: followed(live, exchange.signal), headers, ...deps })
        : wholeReply(exchange, live, headers),
    );
  };
}

function checkBody(document: JsonDocument, body: ChatBody, alias: Alias): void {
  for (const [param, advice] of Object.entries(MISPLACED)) {
    if (param in body)
      throw new GatewayError('invalid_field', {
        message: `${param} is not taken here. ${advice}`,
        param,
      });
  }
  const images = body.images ?? [];
  if (body.message == null && images.length === 0 && !body.tool_results?.length) {
    throw new GatewayError('missing_field', {
      message: 'message is missing. Add it, or give tool_results.',
      param: 'message',
    });
  }
  checkContent(body.message, 'message', alias);
  const imageParts = images.map((url) => ({ type: 'image_url', image_url: { url } }));
  checkContent(imageParts, 'images', alias);
  body.tool_results?.forEach(({ content }, index) =>
    checkContent(content, `tool_results[${index}].content`, alias),
  );
  checkTools(document.value, alias);
}

function turnRequest(
  { principal, requestId }: Exchange,
  {
    document,
    body,
    limits,
  }: { document: JsonDocument; body: ChatBody; limits: Readonly<Record<string, string>> },
): TurnRequest {
  const pinned = (key: string, isDefault: boolean) =>
    isDefault ? null : (memberText(document, key) ?? null);
  return {
    scope: scopeOf(principal, body.user_id ?? null),
    conversationId: body.conversation_id ?? null,
    profile: {
      model: body.model,
      system:
        body.system == null ? null : `{"role":"system","content":${wellFormedJson(body.system)}}`,
      tools: pinned('tools', body.tools == null),
      toolChoice: pinned('tool_choice', body.tool_choice == null || body.tool_choice === 'auto'),
      responseFormat: pinned(
        'response_format',
        body.response_format == null || body.response_format.type === 'text',
      ),
    },
    provider: body.provider ?? null,
    message: body.message ?? null,
    images: body.images ?? [],
    toolResults: body.tool_results ?? [],
    expectedHead: body.expected_head === null ? undefined : body.expected_head,
    parameters: { ...carriedMembers(document), ...limits },
    showUsage: body.stream_options?.include_usage === true,
    requestId,
    fingerprint: createHash('sha256').update(document.text).digest('hex'),
  };
}

function carriedMembers({ text, members }: JsonDocument): Record<string, string> {
  return Object.fromEntries(
    members
      .filter(({ key }) => !OWN_MEMBERS.has(key))
      .map(({ key, valueStart, valueEnd }) => [key, text.slice(valueStart, valueEnd)]),
  );
}

function cancelWithClient({ signal }: Exchange, live: LiveTurn): void {
  signal.addEventListener('abort', () => {
    if (signal.reason === CLIENT_GONE) live.cancel(new TurnCancelled('the client left'));
  });
}

/** A failed turn is a turn all the same: its ids are on the reply, whatever the reply is. */
async function withTurnHeaders(live: LiveTurn, reply: () => Promise<Response>): Promise<Response> {
  try {
    return await reply();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    throw error.withHeaders({ 'x-conversation-id': live.conversationId, 'x-turn-id': live.id });
  }
}

async function* followed(live: LiveTurn, signal: AbortSignal): EventSource {
  for await (const frames of live.follow(0, signal)) {
    yield frames.map(({ seq, json }) => dataEvent(json, `${live.id}.${seq}`)).join('');
  }
  yield dataEvent(DONE);
}

async function wholeReply(exchange: Exchange, live: LiveTurn, headers: Headers): Promise<Response> {
  const { signal } = exchange;
  const gone = Promise.withResolvers<never>();
  const onAbort = () => gone.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    const end = await Promise.race([live.ended, gone.promise]);
    if (end.kind === 'failed') throw toTurnError(end.error);
    return jsonReply(exchange, end.completion, headers);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
