// What the log is told of an error: nothing that anybody said in a prompt or an answer. Upstreams quote what they were
// sent, and a parser's error quotes what it read.
import { pino } from 'pino';
import { GatewayError } from '../domain/errors.ts';

/** A cause in one short line, without a stack. */
export function reasonOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  const code: unknown = Reflect.get(cause, 'code');
  const message = messageOf(cause);
  return typeof code === 'string' ? `${code}: ${message}` : message;
}

/** An error with its stack, for faults of our own. */
export function loggedError(error: unknown): unknown {
  if (!(error instanceof GatewayError) && !(error instanceof SyntaxError))
    return error instanceof Error ? pino.stdSerializers.err(error) : error;
  // A stack begins with the message.
  const stack = error.stack?.split('\n').filter((line) => /^\s+at /.test(line));
  return { type: error.name, message: reasonOf(error), stack: stack?.join('\n') };
}

function messageOf(error: Error): string {
  if (error instanceof GatewayError) return error.logged;
  return error instanceof SyntaxError ? 'malformed JSON' : error.message;
}
