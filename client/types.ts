// What a program that uses the client sees of it, errors aside.

export interface ChatClientOptions {
  /** The gateway's address, such as `http://127.0.0.1:3000`; in a page, `''` is the page's own host. */
  readonly baseUrl: string;
  readonly token: string;
  /** How long a turn tries to reach the gateway again before it fails, in milliseconds. Default 60,000. */
  readonly reconnectMs?: number;
  /**
   * A connection over which nothing came for so long counts as lost, in milliseconds. Default 45,000. Has to be longer
   * than the gateway's `streams.heartbeat_ms`, which is 15,000.
   */
  readonly silenceMs?: number;
  /** Instead of the global fetch. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** The fields of POST /c1/chat; any other one is carried to the model. */
export interface ChatMessage {
  readonly model: string;
  /** A text or OpenAI content parts. */
  readonly message?: string | readonly object[];
  /** Absent for a new conversation. */
  readonly conversation_id?: string | null;
  readonly user_id?: string;
  readonly system?: string;
  readonly images?: readonly string[];
  readonly tool_results?: readonly { readonly tool_call_id: string; readonly content: string }[];
  readonly [field: string]: unknown;
}

export interface SendOptions {
  /** The same key and the same message are the same turn, also from another process. Default: a fresh one. */
  readonly idempotencyKey?: string;
  /** Stops following the turn; it goes on in the gateway. Use `cancel` to end it there. */
  readonly signal?: AbortSignal;
}

export interface FollowOptions {
  /** Whose conversation it is, where it was made under a `user_id`. */
  readonly userId?: string;
  /** Stops following the turn. */
  readonly signal?: AbortSignal;
}

export type Chunk = Record<string, unknown>;

/** The text of an answer as it comes, and what is known of its turn once it has begun. */
export interface Turn extends AsyncIterable<string> {
  /** Null until the gateway has accepted the message. */
  readonly id: string | null;
  readonly conversationId: string | null;
  /** Everything yielded so far. */
  readonly text: string;
  /** Why the model stopped: `stop`, `length`, `tool_calls`, …; null until it has. */
  readonly finishReason: string | null;
  /**
   * Is given every chunk's JSON as it comes, for tool calls, usage and whatever else the upstream says. A snapshot
   * stands for all chunks before it: whoever adds them up starts over.
   */
  onChunk: ((chunk: Chunk, isSnapshot: boolean) => void) | null;
  /** Ends the turn in the gateway; what has come of the answer is kept there. */
  cancel(): Promise<void>;
}

export interface ChatClient {
  /** Nothing is sent before the turn is iterated. Iterating throws a ChatError when the turn does not complete. */
  send(message: ChatMessage, options?: SendOptions): Turn;
  /** A turn that was begun elsewhere or before a reload, from its first event on: the whole answer comes, then what is new. */
  follow(turnId: string, options?: FollowOptions): Turn;
}
