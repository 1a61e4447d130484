// What a /c1 client asks for in one turn, checked as far as the request alone allows, and the messages that it adds
// to the conversation.
import type { Blob, ConversationNode, Scope } from '../conversations/conversation.ts';
import { sealNode, type NewNode } from '../conversations/node.ts';
import { GatewayError } from '../domain/errors.ts';
import type { TraceContext } from '../domain/trace-context.ts';
import { toolCallIds } from '../prompt/assemble.ts';
import { markImages, wellFormedJson } from '../prompt/blob-mark.ts';
import type { AskedProfile } from '../prompt/epoch.ts';

export interface ToolResult {
  readonly tool_call_id: string;
  /** A string or a list of content parts. */
  readonly content: unknown;
}

export interface TurnRequest {
  readonly scope: Scope;
  /** null for a new conversation. */
  readonly conversationId: string | null;
  readonly profile: AskedProfile;
  /** The upstream to use and no other; null for the alias's own order. */
  readonly provider: string | null;
  /** A string or a list of content parts; null where only tool results are given. */
  readonly message: unknown;
  readonly images: readonly string[];
  readonly toolResults: readonly ToolResult[];
  /** The head that the client believes in; undefined when it does not say. */
  readonly expectedHead: string | null | undefined;
  /** What the message goes under, for a branch: null for a new first message; undefined for the head. */
  readonly parent: string | null | undefined;
  /** Tokens that the answer may take: kept free in the model's window. */
  readonly answerTokens: number;
  readonly idempotencyKey: string | null;
  /** Everything else that goes to the upstream: JSON text by member. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Whether the turn's frames show the usage: asked for in streams, always in whole replies. */
  readonly showUsage: boolean;
  readonly requestId: string;
  /** The request's place in a trace; absent where nothing is traced. */
  readonly trace?: TraceContext | undefined;
  /** Hex SHA-256 of the request's bytes. */
  readonly fingerprint: string;
}

export interface TurnInput {
  /** Empty when an earlier message is to be answered again. */
  readonly nodes: readonly ConversationNode[];
  readonly blobs: readonly Blob[];
}

/** The turn's own messages, sealed under `head`: tool results first, then the message. */
export function sealInput(
  request: TurnRequest,
  head: ConversationNode | null,
  createdAt: number,
): TurnInput {
  checkToolResults(request.toolResults, head);
  const blobs: Blob[] = [];
  const messages: NewNode[] = request.toolResults.map((result, index) => {
    const content = markImages(result.content, `tool_results[${index}].content`);
    blobs.push(...content.blobs);
    const wire = `{"role":"tool","tool_call_id":${wellFormedJson(result.tool_call_id)},"content":${content.json}}`;
    return newNode('tool', { wire, text: textOf(result.content), blobs: content.blobs, createdAt });
  });
  const content = userContent(request);
  if (content !== null) {
    const marked = markImages(content, request.images.length > 0 ? 'images' : 'message');
    blobs.push(...marked.blobs);
    const wire = `{"role":"user","content":${marked.json}}`;
    messages.push(newNode('user', { wire, text: textOf(content), blobs: marked.blobs, createdAt }));
  }
  if (messages.length === 0) checkAnswerable(head);
  let parent = head;
  const nodes = messages.map((message) => (parent = sealNode(parent, message)));
  return { nodes, blobs };
}

/** Without a message of its own, a turn answers the one that `parent` names again. */
function checkAnswerable(node: ConversationNode | null): void {
  if (node?.role === 'user' || node?.role === 'tool') return;
  throw new GatewayError('missing_field', {
    message:
      'message is missing. Add it, or let parent name a message of the user to be answered again.',
    param: 'message',
  });
}

function newNode(
  role: 'tool' | 'user',
  {
    wire,
    text,
    blobs,
    createdAt,
  }: { wire: string; text: string; blobs: readonly Blob[]; createdAt: number },
): NewNode {
  return { role, wire, extra: null, text, blobs: blobs.map(({ sha256 }) => sha256), createdAt };
}

/** The message with its images behind it, as OpenAI's content; null when there is neither. */
function userContent({ message, images }: TurnRequest): unknown {
  if (images.length === 0) return message;
  const imageParts = images.map((url) => ({ type: 'image_url', image_url: { url } }));
  if (Array.isArray(message)) return [...(message as unknown[]), ...imageParts];
  return typeof message === 'string'
    ? [{ type: 'text', text: message }, ...imageParts]
    : imageParts;
}

/** The text that a person would read in a content. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content.toWellFormed();
  if (!Array.isArray(content)) return '';
  return content
    .flatMap((part: unknown) => {
      const text: unknown =
        typeof part === 'object' && part !== null ? Reflect.get(part, 'text') : null;
      return typeof text === 'string' ? [text.toWellFormed()] : [];
    })
    .join('\n');
}

/** Every call of the turn before has exactly one result, and there are no others: engines refuse anything else. */
function checkToolResults(results: readonly ToolResult[], head: ConversationNode | null): void {
  if (results.length === 0) return;
  const open = new Set(head?.role === 'assistant' ? toolCallIds(head.wire) : []);
  results.forEach(({ tool_call_id }, index) => {
    if (open.delete(tool_call_id)) return;
    const param = `tool_results[${index}].tool_call_id`;
    throw new GatewayError('invalid_field', {
      message: `${param} answers no open tool call of the turn before. Use each id of its tool_calls once.`,
      param,
    });
  });
  if (open.size > 0) {
    throw new GatewayError('missing_field', {
      message: `tool_results lacks the results of ${[...open].join(', ')}. Give one for every tool call.`,
      param: 'tool_results',
    });
  }
}
