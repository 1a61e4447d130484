// One call of an upstream: the client's signal and each of the four time limits abort it, in every phase.
import type { Deadline, Deadlines } from '../domain/deadlines.ts';
import { timeoutError } from './failure.ts';
import type { Target, Timeouts } from './provider.ts';

export interface GuardedCall extends Abortable {
  /** The next piece is awaited from now on. */
  expectPiece(): void;
  /** Nothing is awaited: the client is not reading, which is not the upstream's fault. */
  pause(): void;
  abort(reason: unknown): void;
  release(): void;
}

/** What can be aborted, without an AbortSignal where nobody needs one: they cost more than all that happens here. */
export interface Abortable {
  isAborted(): boolean;
  /** Why it was aborted. */
  reason(): unknown;
  /** Called once, unless it is let go before. */
  onAbort(listener: (reason: unknown) => void): { letGo(): void };
  /** For those who understand nothing else. */
  signal(): AbortSignal;
}

export function guardCall(target: Target, deadlines: Deadlines, client: AbortSignal): GuardedCall {
  client.throwIfAborted();
  const { timeouts, upstream } = target;
  let aborted: { readonly reason: unknown } | null = null;
  let controller: AbortController | null = null;
  const listeners = new Set<(reason: unknown) => void>();
  // Whoever reads the body may never ask for its next piece again: so nothing may stay armed.
  const abort = (reason: unknown) => {
    release();
    if (aborted) return;
    aborted = { reason };
    for (const listener of listeners) listener(reason);
    controller?.abort(reason);
  };
  const onClientGone = () => abort(client.reason);
  client.addEventListener('abort', onClientGone, { once: true });

  const overdue = (limit: 'first byte' | 'idle' | 'total', ms: number) => () =>
    abort(timeoutError(limit, ms, upstream));
  const firstByte = deadlines.arm(
    timeouts.firstByteMs,
    overdue('first byte', timeouts.firstByteMs),
  );
  const total = deadlines.arm(timeouts.totalMs, overdue('total', timeouts.totalMs));
  const connect = watchConnect(target, deadlines, abort);
  let idle: Deadline | undefined;

  function release(): void {
    client.removeEventListener('abort', onClientGone);
    for (const deadline of [firstByte, total, connect, idle]) deadline?.disarm();
  }

  return {
    isAborted: () => aborted !== null,
    reason: () => aborted?.reason,
    onAbort(listener) {
      listeners.add(listener);
      return { letGo: () => void listeners.delete(listener) };
    },
    signal() {
      controller ??= new AbortController();
      if (aborted) controller.abort(aborted.reason);
      return controller.signal;
    },
    expectPiece() {
      if (idle) idle.rearm(timeouts.idleMs);
      else {
        connect.disarm();
        firstByte.disarm();
        idle = deadlines.arm(timeouts.idleMs, overdue('idle', timeouts.idleMs));
      }
    },
    pause: () => idle?.disarm(),
    abort,
    release,
  };
}

/**
 * fetch does not tell when it has connected. So a call that has heard nothing for half the connect limit is checked
 * by a connection of its own, which gets the other half: a reply in time costs nothing.
 */
function watchConnect(
  target: Target,
  deadlines: Deadlines,
  abort: (reason: unknown) => void,
): Pick<Deadline, 'disarm'> {
  const { connectMs }: Timeouts = target.timeouts;
  let deadline = deadlines.arm(connectMs / 2, () => {
    const { hostname, port, protocol } = new URL(target.baseUrl);
    deadline = deadlines.arm(connectMs / 2, () => {
      abort(timeoutError('connect', connectMs, target.upstream));
    });
    // A refusal or reset is an answer too: fetch reports it in its own words.
    const answered = () => deadline.disarm();
    const close = (socket: { end(): unknown }) => {
      answered();
      socket.end();
    };
    Bun.connect({
      hostname: hostname.replaceAll(/[[\]]/g, ''),
      port: Number(port || (protocol === 'https:' ? 443 : 80)),
      socket: { open: close, data() {}, error: answered, connectError: answered },
    }).catch(answered);
  });
  return { disarm: () => deadline.disarm() };
}
