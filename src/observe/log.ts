// Structured logs: one JSON object a line on stdout. Lines are gathered and written in the background, so that a slow
// log sink does not slow requests: see log-sink.ts.
import { pino, type DestinationStream, type Logger } from 'pino';
import { createLogSink } from './log-sink.ts';
import { loggedError } from './logged-error.ts';

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

export interface Log {
  readonly logger: Logger;
  /** Lines that nobody has read in time. */
  dropped(): number;
  /** Writes what is still gathered, for so long at the most; for the end of the process. */
  end(ms: number): Promise<void>;
}

const STDOUT = 1;

export function createLog(level: LogLevel): Log {
  const sink = createLogSink({
    fd: STDOUT,
    lineForDropped: (count) =>
      `${JSON.stringify({ level: 40, time: new Date().toISOString(), lines: count, msg: 'log lines were dropped' })}\n`,
  });
  return { logger: logTo(sink, level), dropped: sink.dropped, end: sink.end };
}

/** A logger on any destination. */
export function logTo(destination: DestinationStream, level: LogLevel): Logger {
  const serializers = { err: loggedError };
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers },
    destination,
  );
}
