// A client for /c1: sends one message, yields the answer's text, and survives what networks do. It sends an
// idempotency key, so that a repeated request never asks twice, and after a lost connection it resumes the stream
// after the last event that it has seen. No dependency; runs in browsers, Bun, Deno and Node.
import { ResumingTurn } from './turn.ts';
import type { ChatClient, ChatClientOptions } from './types.ts';

export { ChatError, type ChatErrorDetails } from './errors.ts';
export type {
  ChatClient,
  ChatClientOptions,
  ChatMessage,
  Chunk,
  FollowOptions,
  SendOptions,
  Turn,
} from './types.ts';

export function createChatClient(options: ChatClientOptions): ChatClient {
  return {
    send: (message, sendOptions = {}) => new ResumingTurn(options, { message }, sendOptions),
    follow: (turnId, followOptions = {}) => new ResumingTurn(options, { turnId }, followOptions),
  };
}
