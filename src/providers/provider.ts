// The contract between the gateway and what it asks: one call in, a reply out as JSON or as chunks, failures as
// GatewayErrors. A reply that ends without throwing is complete; one that is cut, wrong or late always throws.
import type { Stop } from '../domain/stop.ts';
import type { TraceContext } from '../domain/trace-context.ts';
import type { ReasoningHistory, Usage } from '../domain/message.ts';

/** Milliseconds each; every one is named in the error when it runs out. */
export interface Timeouts {
  readonly connectMs: number;
  /** From sending the request to the first byte of the reply. */
  readonly firstByteMs: number;
  /** Between two pieces of a reply. */
  readonly idleMs: number;
  /** The whole call. */
  readonly totalMs: number;
}

/** One way to answer an alias: a model at an upstream. */
export interface Target {
  /** The upstream's name in the configuration. */
  readonly upstream: string;
  readonly kind: string;
  /** Where the dialect's paths hang (`/chat/completions`, Ollama's `/api/chat`), without a trailing slash. */
  readonly baseUrl: string;
  /** Credentials and configured headers: all that goes out beside the fixed ones. */
  readonly headers: Readonly<Record<string, string>>;
  /** The upstream's own name for the model. */
  readonly model: string;
  /** Targets of one rank are replicas of each other; ranks are tried as listed. */
  readonly rank: number;
  /** Share among the replicas of its rank. */
  readonly weight: number;
  readonly timeouts: Timeouts;
  /** How /c1 sends earlier reasoning back, where the operator says so; by kind where absent. */
  readonly reasoningHistory?: ReasoningHistory;
  /** What its answers consist of, where that is more than text. */
  readonly outputModalities?: readonly string[];
  /** What Ollama alone is told with each request. */
  readonly ollama?: OllamaSettings;
}

export interface OllamaSettings {
  /** Tokens of prompt and answer together that the model is loaded for. */
  readonly numCtx?: number;
  /** How long the model stays loaded: whole seconds, or a duration such as `30m`. */
  readonly keepAlive?: string;
}

export interface ChatCall {
  /** The request body as JSON text, in OpenAI's form, with the target's model and the wanted `stream` in place. */
  readonly body: string;
  /** The same as UTF-8, piece by piece, where it is at hand: for a long body far cheaper than its text. */
  readonly bytes?: readonly Uint8Array[] | undefined;
  readonly stream: boolean;
  /** How many answers were asked for; one where absent. */
  readonly choices?: number | undefined;
  readonly requestId: string;
  /** The call's place in a trace, told to the upstream; absent where nothing is traced. */
  readonly trace?: TraceContext | undefined;
}

export interface ChunkChoice {
  readonly index?: number;
  readonly delta?: Readonly<Record<string, unknown>> | null;
  readonly message?: Readonly<Record<string, unknown>> | null;
  readonly finish_reason?: string | null;
}

/** A chat.completion.chunk or a chat.completion; members that are not named here are there all the same. */
export interface Completion {
  readonly id?: string;
  readonly choices?: readonly ChunkChoice[];
  readonly usage?: Usage | null;
  readonly [member: string]: unknown;
}

/** What a streaming upstream says: a chunk with its JSON text as it came, or a sign of life. */
export type ChatEvent =
  | { readonly kind: 'chunk'; readonly json: string; readonly chunk: Completion }
  | { readonly kind: 'comment'; readonly text: string };

export type ChatReply =
  | { readonly kind: 'json'; readonly json: string; readonly completion: Completion }
  /** Batches of what arrived together. Returns after a complete answer; throws a GatewayError otherwise. */
  | { readonly kind: 'stream'; readonly events: AsyncGenerator<readonly ChatEvent[], void> };

export interface Provider {
  /**
   * Resolves once the upstream has accepted the call, with a reply of the kind that was asked for; everything about
   * it ends when `signal` aborts.
   */
  ask(target: Target, call: ChatCall, signal: Stop): Promise<ChatReply>;
}
