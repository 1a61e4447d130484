// Every metric of the gateway's own: its name, its labels and what it counts. docs/metrics.md is written from this.
// All label values come from short lists (routes, aliases, upstreams, codes): see metrics.ts.

interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly labels: readonly string[];
  readonly help: string;
}

const counter = <const L extends readonly string[]>(name: string, labels: L, help: string) =>
  ({ type: 'counter', name, labels, help }) as const;
const gauge = <const L extends readonly string[]>(name: string, labels: L, help: string) =>
  ({ type: 'gauge', name, labels, help }) as const;
const histogram = <const L extends readonly string[]>(name: string, labels: L, help: string) =>
  ({ type: 'histogram', name, labels, help }) as const;

const WHO = ['alias', 'upstream'] as const;

export const METRICS = {
  requests: counter(
    'gateway_requests_total',
    ['route', 'method', 'status', ...WHO],
    'Requests that have ended. Status 499: the client left first.',
  ),
  failures: counter(
    'gateway_request_failures_total',
    ['route', 'code'],
    'Requests that ended with an error, by its code; also those whose stream had begun.',
  ),
  duration: histogram(
    'gateway_request_duration_seconds',
    ['route', ...WHO],
    'From the arrival of a request to the end of its reply.',
  ),
  firstByte: histogram(
    'gateway_upstream_first_byte_seconds',
    ['stream', ...WHO],
    'From asking the upstream to its first event, or to its whole reply where it does not stream.',
  ),
  failedAttempts: counter(
    'gateway_failed_attempts_total',
    ['upstream', 'code'],
    'Targets that were asked and failed, by the error; another one may have answered.',
  ),
  circuits: gauge(
    'gateway_open_circuits',
    ['upstream'],
    'Targets of the upstream that are left alone, or tried again, because they failed.',
  ),
  promptTokens: counter(
    'gateway_prompt_tokens_total',
    WHO,
    'Tokens of prompts, as upstreams report them.',
  ),
  completionTokens: counter(
    'gateway_completion_tokens_total',
    WHO,
    'Tokens of answers, as upstreams report them.',
  ),
  cachedTokens: counter(
    'gateway_cached_tokens_total',
    WHO,
    'Tokens of prompts that upstreams took from their prefix caches.',
  ),
  expectedCachedTokens: counter(
    'gateway_expected_cached_tokens_total',
    WHO,
    'Tokens of /c1 prompts that should have been cached; only of turns whose upstream reports what was.',
  ),
  foundCachedTokens: counter(
    'gateway_expected_cached_tokens_found_total',
    WHO,
    'Those of the expected ones that were cached: their share is how well prefixes are reused.',
  ),
  prefixBreaks: counter(
    'gateway_prefix_breaks_total',
    [...WHO, 'reason'],
    'Turns that found less cached than the turn before should have left.',
  ),
  turns: counter('gateway_turns_total', ['status', ...WHO], 'Turns of /c1 that have ended.'),
  turnFirstToken: histogram(
    'gateway_turn_first_token_seconds',
    WHO,
    "From a turn's acceptance to its first visible token.",
  ),
  recoveredTurns: counter(
    'gateway_recovered_turns_total',
    [],
    'Turns that a crash left open and that were ended at the start.',
  ),
  backgroundFailures: counter(
    'gateway_background_failures_total',
    [],
    'Failures after a reply, which nobody but the log was told of.',
  ),
  exportedSpans: counter(
    'gateway_exported_spans_total',
    [],
    'Spans that the collector of traces has taken.',
  ),
  droppedSpans: counter(
    'gateway_dropped_spans_total',
    ['reason'],
    'Spans that were lost: queue_full, refused by the collector, or left at shutdown.',
  ),
  openRequests: gauge(
    'gateway_open_requests',
    [],
    'Requests that are being served, streams included.',
  ),
  openTurns: gauge('gateway_open_turns', [], 'Turns that run in this process.'),
  upstreamUp: gauge(
    'gateway_upstream_up',
    ['upstream'],
    'Whether the last probe found the upstream healthy: 1 or 0; absent before the first.',
  ),
  upstreamProbe: gauge(
    'gateway_upstream_probe_seconds',
    ['upstream'],
    'How long the last successful probe took.',
  ),
  shed: counter(
    'gateway_shed_requests_total',
    ['reason'],
    'Requests that were refused as overloaded: too many requests, bytes or connections, or too much lag.',
  ),
  heldBytes: gauge(
    'gateway_held_body_bytes',
    [],
    'Bytes of request bodies that are held for requests that are being served.',
  ),
  loopLag: gauge(
    'gateway_event_loop_lag_seconds',
    [],
    'By which the event loop is late again and again: the least of the last few measurements.',
  ),
  loopBlocks: counter(
    'gateway_event_loop_blocks_total',
    [],
    'Times that one piece of work kept the event loop from all others for more than 200 ms.',
  ),
  loopBlocked: counter(
    'gateway_event_loop_blocked_seconds_total',
    [],
    'How long those lasted together.',
  ),
  droppedLines: counter(
    'gateway_dropped_log_lines_total',
    [],
    'Log lines that were dropped because whoever reads the log was too slow.',
  ),
  descriptorShortages: counter(
    'gateway_descriptor_shortages_total',
    [],
    'Times that hardly any file descriptor was left, so that idle connections were closed.',
  ),
  reloads: counter(
    'gateway_config_reloads_total',
    ['result'],
    'Times that the configuration was read anew (done), or refused because of what is in it.',
  ),
  storeUp: gauge('gateway_store_up', [], 'Whether the last probe found the store working: 1 or 0.'),
} as const satisfies Readonly<Record<string, MetricDefinition>>;
