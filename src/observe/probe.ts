// One method per event worth knowing: every log line is written here and every metric and span fed, and nowhere else, so that
// this file is the list of what an operator can see.
import type { Logger } from 'pino';
import type { Clock } from '../domain/clock.ts';
import { GatewayError } from '../domain/errors.ts';
import { requestLines } from './log.ts';
import { reasonOf } from './logged-error.ts';
import type { GatewayState, Metrics } from './metrics.ts';
import type { FinishedCall } from './call-record.ts';
import type { History } from './history.ts';
import { requestFields, rounded } from './request-line.ts';
import type { RequestRecord } from './request-record.ts';
import type { Traces } from './traces.ts';
import type { FinishedTurn } from './turn-record.ts';

export interface ChangedHealth {
  readonly name: string;
  readonly healthy: boolean | null;
  readonly latencyMs: number | null;
  readonly problem: string | null;
}

/** A target that was asked and did not answer; another may have answered in its place. */
export interface FailedAttempt {
  readonly requestId: string;
  readonly target: { readonly upstream: string; readonly model: string };
  readonly attempt: number;
  readonly error: GatewayError;
  readonly durationMs: number;
  readonly beforeCommit: boolean;
}

export interface ChangedCircuit {
  readonly upstream: string;
  readonly model: string;
  readonly before: string;
  /** `removed` where the target is not served any more. */
  readonly state: string;
}

/** A configuration that was read anew, or was to be. */
export interface ReloadedConfig {
  readonly source: string | null;
  readonly hash: string;
  /** Settings that have changed but are read at the start only. */
  readonly needRestart: readonly string[];
}

export interface Probe {
  requestFinished(record: RequestRecord, error?: unknown): void;
  turnFinished(turn: FinishedTurn): void;
  /** Something after the reply failed and has nobody to be told; never silent. */
  backgroundFailed(what: string, error: unknown): void;
  /** A request was refused as overloaded; its own line says the rest. */
  requestShed(reason: string): void;
  /** One piece of work kept the event loop from all others. */
  loopBlocked(ms: number): void;
  /** So many connections are open that hardly any file descriptor is left. */
  descriptorsScarce(limit: number): void;
  /** An error that was thrown where nobody could catch it. */
  strayError(error: unknown, isFatal: boolean): void;
  upstreamChanged(health: ChangedHealth): void;
  attemptFailed(failed: FailedAttempt): void;
  circuitChanged(change: ChangedCircuit): void;
  turnsRecovered(count: number): void;
  /** A call to an upstream has ended; told only where traces are configured. */
  callFinished(call: FinishedCall): void;
  spansExported(count: number): void;
  spansDropped(count: number, reason: string): void;
  /** The collector of traces has begun to fail, or, with null, takes spans again. */
  collectorChanged(problem: string | null): void;
  configReloaded(reloaded: ReloadedConfig): void;
  /** What was running before goes on. */
  reloadRefused(problems: readonly { readonly path: string; readonly message: string }[]): void;
  started(facts: Readonly<Record<string, unknown>>): void;
  draining(facts: { signal: string; open: number }): void;
  stopped(): void;
  /** The metrics in Prometheus' text format. */
  metrics(state: GatewayState): Promise<string>;
}

export interface ProbeDeps {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Pick<Clock, 'elapsed'>;
  readonly history: Pick<History, 'requestFinished' | 'turnFinished'>;
  /** null where nothing is traced. */
  readonly traces: Pick<Traces, 'requestFinished' | 'turnFinished' | 'callFinished'> | null;
}

export function createProbe({ logger, metrics, clock, history, traces }: ProbeDeps): Probe {
  const lines = requestLines(logger);
  return {
    requestFinished(record, error) {
      const durationMs = clock.elapsed() - record.startedAt;
      metrics.requestFinished(record, durationMs);
      history.requestFinished(record, durationMs);
      traces?.requestFinished(record);
      const fields = requestFields(record, durationMs);
      const cause = error instanceof GatewayError ? error.cause : error;
      if (record.errorCode === 'internal_error')
        logger.error({ ...asObject(fields), err: cause }, 'request failed');
      else if (record.errorCode) lines.warn(withReason(fields, cause), 'request refused');
      else lines.info(fields, record.clientGone ? goneOf(record) : 'request');
    },
    turnFinished(turn) {
      metrics.turnFinished(turn);
      history.turnFinished(turn);
      traces?.turnFinished(turn);
      const fields = {
        turn: turn.turnId,
        conversation: turn.conversationId,
        status: turn.status,
        error_code: turn.errorCode ?? undefined,
        expected_cached_tokens: turn.expectedCachedTokens,
        cached_tokens: turn.cachedTokens,
        prefix_break: turn.prefixBreak ?? undefined,
        epoch_reason: turn.epochReason ?? undefined,
      };
      logger.info(fields, 'turn finished');
    },
    backgroundFailed(what, error) {
      metrics.backgroundFailed();
      logger.error({ err: error, what }, 'background work failed');
    },
    requestShed: (reason) => metrics.requestShed(reason),
    loopBlocked(ms) {
      metrics.loopBlocked(ms);
      logger.warn({ blocked_ms: rounded(ms) }, 'event loop was blocked');
    },
    descriptorsScarce(limit) {
      metrics.descriptorsScarce();
      logger.warn({ limit }, 'file descriptors are scarce: idle connections are closed');
    },
    strayError(error, isFatal) {
      metrics.backgroundFailed();
      if (isFatal) logger.fatal({ err: error }, 'uncaught error: the process ends');
      else logger.error({ err: error }, 'unhandled rejection');
    },
    upstreamChanged({ name, healthy, problem, latencyMs }) {
      const facts = { upstream: name, problem: problem ?? undefined, latency_ms: latencyMs };
      if (healthy) logger.info(facts, 'upstream is up');
      else logger.warn(facts, 'upstream is down');
    },
    attemptFailed({ requestId, target, attempt, error, durationMs, beforeCommit }) {
      metrics.attemptFailed(target.upstream, error.code);
      const fields = {
        request_id: requestId,
        upstream: target.upstream,
        upstream_model: target.model,
        attempt,
        error_code: error.code,
        problem: error.logged,
        reason: reasonOf(error.cause),
        duration_ms: rounded(durationMs),
        answer_begun: !beforeCommit || undefined,
      };
      // Nobody but the operator can mend that one.
      if (error.code === 'upstream_auth_failed') logger.error(fields, 'attempt failed');
      else logger.warn(fields, 'attempt failed');
    },
    circuitChanged({ upstream, model, before, state }) {
      if (before === 'closed') metrics.circuitsChanged(upstream, 1);
      if (state === 'closed' || state === 'removed') metrics.circuitsChanged(upstream, -1);
      if (state === 'removed') return;
      const fields = { upstream, upstream_model: model, circuit: state };
      if (state === 'closed') logger.info(fields, 'target answers again');
      else logger.warn(fields, state === 'open' ? 'target is left alone' : 'target is tried again');
    },
    turnsRecovered(count) {
      if (count === 0) return;
      metrics.turnsRecovered(count);
      logger.warn({ turns: count }, 'turns that a crash left open were ended as interrupted');
    },
    callFinished: (call) => traces?.callFinished(call),
    spansExported: (count) => metrics.spansExported(count),
    spansDropped: (count, reason) => metrics.spansDropped(count, reason),
    collectorChanged(problem) {
      if (problem === null) logger.info('traces are taken again');
      else logger.warn({ problem }, 'the collector of traces does not take them');
    },
    configReloaded({ source, hash, needRestart }) {
      metrics.reloaded('done');
      const fields = { config: source, config_hash: hash };
      logger.info(fields, 'configuration reloaded');
      for (const setting of needRestart)
        logger.warn({ setting }, 'changed setting takes effect at the next start');
    },
    reloadRefused(problems) {
      metrics.reloaded('refused');
      for (const { path, message } of problems)
        logger.error({ setting: path, problem: message }, 'configuration problem');
      logger.error({ problems: problems.length }, 'configuration not reloaded; the old one stays');
    },
    started: (facts) => logger.info(facts, 'gateway started'),
    draining: (facts) => logger.info(facts, 'draining'),
    stopped: () => logger.info('gateway stopped'),
    metrics: (state) => metrics.text(state),
  };
}

function asObject(fields: string): Record<string, unknown> {
  return JSON.parse(`{${fields}}`) as Record<string, unknown>;
}

function withReason(fields: string, cause: unknown): string {
  const reason = reasonOf(cause);
  return reason === undefined ? fields : `${fields},"reason":${JSON.stringify(reason)}`;
}

function goneOf({ clientStalled }: RequestRecord): string {
  return clientStalled ? 'client does not read' : 'client gone';
}
