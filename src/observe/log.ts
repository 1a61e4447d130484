// Structured logs: one JSON object a line on stdout. Lines are gathered and written in the background, so that a slow
// log sink does not slow requests.
import { loggedError } from './logged-error.ts';
import { pino, type DestinationStream, type Logger } from 'pino';

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

export interface Log {
  readonly logger: Logger;
  /** Writes what is still gathered; for the end of the process. */
  flush(): void;
}

export function createLog(level: LogLevel): Log {
  const destination = pino.destination({
    dest: 1,
    sync: false,
    minLength: 16_000,
    periodicFlush: 200,
  });
  return { logger: logTo(destination, level), flush: () => destination.flushSync() };
}

/** A logger on any destination. */
export function logTo(destination: DestinationStream, level: LogLevel): Logger {
  const serializers = { err: loggedError };
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers },
    destination,
  );
}
