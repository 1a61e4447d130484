// Every ceiling in one place, each with its reason. What an operator may change is in config/schema instead.

/** Nesting of a request body: JSON.parse survives a million levels, JSON.stringify and people do not. */
export const MAX_JSON_DEPTH = 64;

/** One SSE event of an upstream: beyond this it is a fault, not an answer. Images travel in single events. */
export const MAX_EVENT_CHARS = 48 * 1024 * 1024;

/** A whole non-streamed upstream reply, images included. */
export const MAX_REPLY_BYTES = 64 * 1024 * 1024;

/**
 * What an answer of Anthropic's may take where a request names no limit, since their API wants one: the most that every
 * model from Claude 4 on allows (Opus 4 and 4.1 end there), so that it cuts as few answers as can be.
 */
export const ANTHROPIC_MAX_TOKENS = 32_000;

/** What a compressed reply may grow to, streamed or not: nobody asked for compression, and a small one can hide much. */
export const MAX_INFLATED_BYTES = 64 * 1024 * 1024;

/** An upstream's error body: enough for its message, not for a page of HTML. */
export const MAX_ERROR_BODY_BYTES = 64 * 1024;

/** What of an upstream's own message a client is shown. */
export const MAX_UPSTREAM_MESSAGE_CHARS = 2_000;

/** SDKs ignore a longer retry-after and fall back to a short backoff, which is the opposite of what was meant. */
export const MAX_RETRY_AFTER_MS = 60_000;

/**
 * What the kernel holds for a client that does not read: enough for any stream, and soon full, so that the upstream is
 * held back. It takes up to twice as much for its own use.
 */
export const SEND_BUFFER_BYTES = 128 * 1024;

/** How often the lag of the event loop is measured: often enough to see every block that people would notice. */
export const LAG_PERIOD_MS = 50;

/** Measurements that must all be late before the loop counts as overloaded: a fifth of a second on one that is not. */
export const LAG_SAMPLES = 4;

/** Nothing may keep the event loop from everything else for longer: it is logged and counted. */
export const BLOCKED_LOOP_MS = 200;

/** When a request that was refused for overload may come again, at the earliest; three times as much at the latest. */
export const SHED_RETRY_MS = 1_000;

/**
 * When nobody has asked for so long, memory goes back to the system. The next request is answered as a fresh process
 * answers its first, 10 ms later than usual: whoever reads an answer and goes on should not pay that.
 */
export const QUIET_MS = 90_000;

/** How often that is looked at. */
export const QUIET_LOOK_MS = 5_000;

/** How often the file descriptors that are left are looked at: an open and a close. */
export const DESCRIPTOR_PERIOD_MS = 250;

/** File descriptors that clients may not use up, but of a small limit a quarter: for upstreams, the store and the log. */
export const KEPT_BACK_DESCRIPTORS = 256;

/** How long a log line may be gathered before it is written. */
export const LOG_FLUSH_MS = 200;

/** Log lines that wait for somebody to read them: minutes of a busy gateway, and no weight in its memory. */
export const MAX_GATHERED_LOG_CHARS = 8 * 1024 * 1024;

/** How long the end of the process waits for whoever reads the log. */
export const LAST_LINES_MS = 1_000;

/** A request's first line and headers: as much as other servers take. */
export const MAX_REQUEST_HEAD_BYTES = 16 * 1024;

/** Seconds for the head of a request, and for each BODY_PROGRESS_BYTES of its body. */
export const READ_IDLE_SECONDS = 15;

/** A body that does not come this fast (in READ_IDLE_SECONDS) is not on its way: the slowest of lines sends more. */
export const BODY_PROGRESS_BYTES = 8 * 1024;

/** What of a body is held for a handler that has not asked for it: it may only be about to. */
export const UNASKED_BODY_BYTES = 64 * 1024;

/** Smaller pieces of a body are put together as they come: each would take some hundred bytes beside its own. */
export const SMALL_BODY_PIECE_BYTES = 4 * 1024;

/** Pieces that a body is kept in: more of them are put together, since each costs as much as some thousand bytes. */
export const MAX_BODY_PARTS = 256;

/** What is held of requests that come before the last one was answered. */
export const MAX_EARLY_BYTES = 64 * 1024;

/** What is let by of a request that was answered before it was read; of a longer one the connection is closed. */
export const MAX_SKIPPED_BYTES = 16 * 1024 * 1024;

/** Seconds that a client gets to read its last reply and close the connection. */
export const LINGER_SECONDS = 5;

/** What may wait for a client to read it before no more is made for it. */
export const UNREAD_REPLY_BYTES = 16 * 1024;

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

/**
 * The prompts of conversations that go on, so that a next turn need not read them: at 100 KB, of a long conversation,
 * some 150 of them, or thousands of short ones. Of those that are not here a turn takes a millisecond longer.
 */
export const MAX_KEPT_PROMPT_BYTES = 32 * 1024 * 1024;

/** Conversations of which the writer knows since when nobody has touched them: 200 bytes each. */
export const MAX_WATCHED_CONVERSATIONS = 10_000;

/** How long the gateway that runs a turn has to end it when another one is asked to: many looks, and no client's time-out. */
export const CANCEL_PATIENCE_MS = 2_000;

/** How often a turn that another process runs is looked at, in milliseconds. */
export const FOREIGN_TURN_POLL_MS = 100;

/** How long a target that failed is left alone at first: engines restart in seconds. */
export const MIN_COOL_DOWN_MS = 1_000;

/** The most that failing again and again adds up to: whoever comes back is noticed within this. */
export const MAX_COOL_DOWN_MS = 30_000;

/** How long one trial request may keep others from trying the same target. */
export const TRIAL_PATIENCE_MS = 30_000;

/** What a request earns for the retry budget: one retry for ten requests. */
export const RETRY_BUDGET_PER_REQUEST = 0.1;

/** Retries that may be made at once after a quiet time. */
export const RETRY_BUDGET_SIZE = 20;

/** Pieces of a stream held back before its first visible token; an engine that sends more lifecycle frames is answering. */
export const MAX_HELD_BATCHES = 256;
/** A reply to a health probe: vLLM's metrics of eight engines are half of this; what is longer is read so far. */
export const MAX_PROBE_BODY_BYTES = 1024 * 1024;

/** Probes that an optional endpoint sits out, at most, after it has failed again and again: 5 minutes by default. */
export const MAX_PROBE_PAUSE = 32;

/** Models of one upstream that are kept in mind: an engine has dozens, and each is shown in /v1/info. */
export const MAX_LISTED_MODELS = 500;

/** A model's name as an engine reports it; the aliases of the configuration have the same limit. */
export const MAX_NAME_CHARS = 200;

/** Services elsewhere are not engines to be watched: while one is well, it is asked no more often than this. */
export const MIN_HOSTED_PROBE_MS = 60_000;

/** W3C Trace Context wants at least so much of a tracestate passed on. */
export const MAX_TRACE_STATE_CHARS = 512;

/** Spans that wait for the collector: about a kilobyte each, so 4 MB, and a minute of 60 requests per second. */
export const MAX_QUEUED_SPANS = 4_096;

/** Spans in one request to the collector: writing so many as JSON holds the event loop up for a millisecond or two. */
export const MAX_SPAN_BATCH = 256;

/** How long spans gather before they are sent. */
export const SPAN_DELAY_MS = 2_000;

/** How long the collector may take for one batch, as OpenTelemetry's own exporters have it. */
export const SPAN_EXPORT_MS = 10_000;

/** How long the end of the process may be held up by spans that are still to be sent. */
export const SPAN_FLUSH_MS = 3_000;

/** A text in a span, such as a path or the name that an upstream gives its model. */
export const MAX_SPAN_TEXT_CHARS = 200;

/** What of a collector's reply is read: it holds a number and a sentence. */
export const MAX_COLLECTOR_REPLY_BYTES = 64 * 1024;

/** What the dashboard's figures are gathered in: fine enough to see a hiccup, coarse enough for an hour in one array. */
export const HISTORY_BUCKET_MS = 10_000;

/** An hour. */
export const HISTORY_BUCKETS = 360;

/**
 * Pairs of alias and upstream with a history of their own, 55 KB each; those beyond are counted as one. With the codes
 * below that is 16 MB at the very most, and one for a gateway with a dozen models in use.
 */
export const MAX_HISTORY_SERIES = 128;

/** Error codes that such a pair tells apart, 4 KB each; a thirteenth kind of failure within an hour is beyond charts. */
export const MAX_HISTORY_CODES = 12;

/** The head of an upstream's reply, or one line of its chunks' sizes: engines need some hundred bytes. */
export const MAX_REPLY_HEAD_BYTES = 64 * 1024;

/** Idle connections that are kept to one upstream: a burst leaves no more behind. */
export const MAX_KEPT_CONNECTIONS = 256;

/** How long they are kept: what the engines' HTTP servers keep theirs at most (uvicorn 5 s, nginx 75 s). */
export const KEPT_CONNECTION_SECONDS = 90;
