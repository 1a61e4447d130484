// Whether the gateway takes one more request. It refuses before it gets slow for everybody: by how many requests it
// is serving, by how many bytes of their bodies it holds, and by how late its event loop is.
import { GatewayError } from '../domain/errors.ts';
import { SHED_RETRY_MS } from '../domain/limits.ts';
import type { Exchange } from './exchange.ts';

export interface AdmissionLimits {
  readonly maxInFlight: number;
  /** Bytes of bodies that are held at once; a single one is always taken, up to its own limit. */
  readonly maxHeldBytes: number;
  readonly maxLagMs: number;
}

/** What there was too much of. */
export type ShedReason = 'requests' | 'bytes' | 'lag' | 'descriptors';

export interface Admission {
  /** Lets a request in that has work to be done, with the body that it declares, or throws `overloaded`. */
  admit(exchange: Exchange): void;
  /** Holds further bytes of its body, or throws `overloaded`. */
  hold(exchange: Exchange, bytes: number): void;
  /** The request is over: what it held is free. */
  release(exchange: Exchange): void;
  heldBytes(): number;
  /** Other limits, for those who come from now on. */
  limit(limits: AdmissionLimits): void;
}

export interface AdmissionDeps {
  /** Requests that are being served, the one at the door among them. */
  inFlight(): number;
  lagMs(): number;
  /** Whether hardly any connection could be opened any more. */
  areDescriptorsScarce(): boolean;
  random(): number;
  onShed(reason: ShedReason): void;
}

export function createAdmission(initial: AdmissionLimits, deps: AdmissionDeps): Admission {
  let limits = initial;
  let held = 0;

  function refuse(reason: ShedReason, message: string): never {
    deps.onShed(reason);
    throw new GatewayError('overloaded', {
      message: `${message} Send the request again after the time in retry-after.`,
      // Spread, so that those who are refused together do not come back together.
      retryAfterMs: Math.round(SHED_RETRY_MS * (1 + 2 * deps.random())),
      // What was not read of the body would otherwise have to be read to its end.
      headers: { connection: 'close' },
    });
  }

  function hold(exchange: Exchange, bytes: number): void {
    if (held > 0 && held + bytes > limits.maxHeldBytes)
      refuse('bytes', 'The gateway holds as much of request bodies as it may.');
    held += bytes;
    exchange.heldBytes += bytes;
  }

  return {
    admit(exchange) {
      if (deps.inFlight() > limits.maxInFlight)
        refuse('requests', `The gateway serves ${limits.maxInFlight} requests, as many as it may.`);
      if (deps.lagMs() > limits.maxLagMs)
        refuse('lag', 'The gateway has more to do than it can keep up with.');
      if (deps.areDescriptorsScarce())
        refuse('descriptors', 'The gateway has as many connections as it may.');
      const { declared } = exchange.request.body;
      if (declared) hold(exchange, declared);
    },
    hold,
    release(exchange) {
      held -= exchange.heldBytes;
      exchange.heldBytes = 0;
    },
    heldBytes: () => held,
    limit(next) {
      limits = next;
    },
  };
}
