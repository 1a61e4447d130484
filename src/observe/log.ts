// Structured logs: one JSON object a line on stdout. Lines are gathered and written in the background, so that a slow
// log sink does not slow requests: see log-sink.ts.
import { pino, type DestinationStream, type Logger } from 'pino';
import { createLogSink } from './log-sink.ts';
import { loggedError } from './logged-error.ts';
import { requestLine, type LineLevel } from './request-line.ts';

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

export interface RequestLines {
  /** `fields` as request-line.ts writes them. */
  info(fields: string, message: string): void;
  warn(fields: string, message: string): void;
}

/** Lines of requests on the destination of a logger, where its level lets them through. */
export function requestLines(logger: Logger): RequestLines {
  const destination = Reflect.get(logger, pino.symbols.streamSym) as DestinationStream;
  const write = (level: LineLevel, fields: string, message: string) => {
    if (level >= logger.levelVal) destination.write(requestLine(level, fields, message));
  };
  return {
    info: (fields, message) => write(30, fields, message),
    warn: (fields, message) => write(40, fields, message),
  };
}
