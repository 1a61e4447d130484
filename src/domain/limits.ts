// Every ceiling in one place, each with its reason. What an operator may change is in config/schema instead.

/** Nesting of a request body: JSON.parse survives a million levels, JSON.stringify and people do not. */
export const MAX_JSON_DEPTH = 64;

/** One SSE event of an upstream: beyond this it is a fault, not an answer. Images travel in single events. */
export const MAX_EVENT_CHARS = 48 * 1024 * 1024;

/** A whole non-streamed upstream reply, images included. */
export const MAX_REPLY_BYTES = 64 * 1024 * 1024;

/** What a compressed reply may grow to, streamed or not: nobody asked for compression, and a small one can hide much. */
export const MAX_INFLATED_BYTES = 64 * 1024 * 1024;

/** An upstream's error body: enough for its message, not for a page of HTML. */
export const MAX_ERROR_BODY_BYTES = 64 * 1024;

/** What of an upstream's own message a client is shown. */
export const MAX_UPSTREAM_MESSAGE_CHARS = 2_000;

/** SDKs ignore a longer retry-after and fall back to a short backoff, which is the opposite of what was meant. */
export const MAX_RETRY_AFTER_MS = 60_000;

/** Seconds a client may leave a request half sent; Bun counts it as lack of progress, not as total time. */
export const READ_IDLE_SECONDS = 15;

/** How long a connection may idle between requests: longer than load balancers keep theirs (60 s), or they race us. */
export const KEEP_ALIVE_SECONDS = 75;

/** Page size of a listing. */
export const MAX_PAGE = 100;

/** Characters of a conversation's title. */
export const MAX_TITLE_CHARS = 200;

/** What a follower of a turn is handed at once: one that is far behind must not be buffered whole for its socket. */
export const MAX_FOLLOWED_CHARS = 256 * 1024;

/** All frames of one turn: kept in memory while it runs, so this times the open turns is what they can take. */
export const MAX_TURN_CHARS = 128 * 1024 * 1024;

/** How often a turn that another process runs is looked at, in milliseconds. */
export const FOREIGN_TURN_POLL_MS = 100;
