// The body of POST /c1/chat: what is checked of it beyond its shape, and the turn that it asks for.
import { checkTools } from '../../chat/chat-request.ts';
import type { TurnRequest } from '../../chat/turn-request.ts';
import { GatewayError } from '../../domain/errors.ts';
import { memberText, type JsonDocument } from '../../json/document.ts';
import { wellFormedJson } from '../../prompt/blob-mark.ts';
import { checkContent, checkImages } from '../../prompt/check-content.ts';
import type { Alias } from '../../routing/catalog.ts';
import type { Exchange } from '../exchange.ts';
import { chatShape, type ChatBody } from './chat-shape.ts';
import { scopeOf } from './scope.ts';

/** What the gateway acts on itself; every other member is carried to the upstream as it came. */
const OWN_MEMBERS: ReadonlySet<string> = new Set(Object.keys(chatShape.shape));

/** Tokens kept free for an answer whose request sets no limit. */
const USUAL_ANSWER_TOKENS = 1_024;

/** Checks what the shape does not say: content, images, and what the alias can do. */
export function checkChatBody(document: JsonDocument, body: ChatBody, alias: Alias): void {
  if ('messages' in body) {
    throw new GatewayError('invalid_field', {
      message:
        'messages is not taken here. Send one message; the server keeps the history. For a history of your own use /v1/chat/completions.',
      param: 'messages',
    });
  }
  const images = body.images ?? [];
  const answersAgain = typeof body.parent === 'string';
  if (body.message == null && images.length === 0 && !body.tool_results?.length && !answersAgain) {
    throw new GatewayError('missing_field', {
      message: 'message is missing. Add it, or give tool_results.',
      param: 'message',
    });
  }
  if (body.parent !== undefined && body.conversation_id == null) {
    throw new GatewayError('missing_field', {
      message: 'conversation_id is missing: parent names a message of a conversation.',
      param: 'conversation_id',
    });
  }
  checkContent(body.message, 'message', alias);
  checkImages(images, 'images', alias);
  body.tool_results?.forEach(({ content }, index) =>
    checkContent(content, `tool_results[${index}].content`, alias),
  );
  checkTools(document.value, alias);
}

export interface TurnRequestParts {
  readonly document: JsonDocument;
  readonly body: ChatBody;
  /** Token limits that were raised, as JSON text. */
  readonly limits: Readonly<Record<string, string>>;
}

/** The turn that a checked body asks for. */
export function turnRequest(
  { principal, requestId, request, record }: Exchange,
  { document, body, limits }: TurnRequestParts,
): TurnRequest {
  const parameters = { ...carriedMembers(document), ...limits };
  return {
    scope: scopeOf(principal, body.user_id ?? null),
    conversationId: body.conversation_id ?? null,
    profile: askedProfile(document, body),
    provider: body.provider ?? null,
    message: body.message ?? null,
    images: body.images ?? [],
    toolResults: body.tool_results ?? [],
    expectedHead: body.expected_head === null ? undefined : body.expected_head,
    parent: body.parent,
    answerTokens: answerTokens(parameters),
    idempotencyKey: idempotencyKey(request.headers),
    parameters,
    showUsage: body.stream !== true || body.stream_options?.include_usage === true,
    requestId,
    trace: record.trace,
    fingerprint: new Bun.SHA256().update(document.text).digest('hex'),
  };
}

function askedProfile(document: JsonDocument, body: ChatBody): TurnRequest['profile'] {
  const pinned = (key: string, isDefault: boolean) =>
    isDefault ? null : (memberText(document, key) ?? null);
  return {
    model: body.model,
    system:
      body.system == null ? null : `{"role":"system","content":${wellFormedJson(body.system)}}`,
    tools: pinned('tools', body.tools == null),
    toolChoice: pinned('tool_choice', body.tool_choice == null || body.tool_choice === 'auto'),
    responseFormat: pinned(
      'response_format',
      body.response_format == null || body.response_format.type === 'text',
    ),
  };
}

function carriedMembers({ text, members }: JsonDocument): Record<string, string> {
  return Object.fromEntries(
    members
      .filter(({ key }) => !OWN_MEMBERS.has(key))
      .map(({ key, valueStart, valueEnd }) => [key, text.slice(valueStart, valueEnd)]),
  );
}

function answerTokens(parameters: Readonly<Record<string, string>>): number {
  const limit = Number(parameters['max_completion_tokens'] ?? parameters['max_tokens'] ?? 'none');
  return Number.isInteger(limit) && limit > 0 ? limit : USUAL_ANSWER_TOKENS;
}

function idempotencyKey(headers: Pick<Headers, 'get'>): string | null {
  const key = headers.get('idempotency-key');
  if (key === null || /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw new GatewayError('invalid_field', {
    message: 'The Idempotency-Key must be 1 to 255 visible ASCII characters, such as a UUID.',
    param: 'idempotency-key',
  });
}
