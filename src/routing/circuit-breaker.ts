// Which targets are worth asking. One circuit a target: closed while it answers; open, for a cool-down, once it has
// failed; half open for one trial after that. It is fed by real requests and by the background probes, and it only
// orders targets: where nobody else is left, a target with an open circuit is asked all the same (routing/candidates).
import type { Clock } from '../domain/clock.ts';
import type { ErrorCode, GatewayError } from '../domain/errors.ts';
import { MAX_COOL_DOWN_MS, MIN_COOL_DOWN_MS, TRIAL_PATIENCE_MS } from '../domain/limits.ts';
import type { Target } from '../providers/provider.ts';

export type Circuit =
  | { readonly state: 'closed'; readonly failures: number }
  | {
      readonly state: 'open';
      /** Monotonic milliseconds at which a trial is due. */
      readonly until: number;
      /** How long the circuit stays open if that trial fails, before it is doubled. */
      readonly coolDownMs: number;
      /** Whether a probe that finds the upstream alive says anything: not of one that asked for a pause or hangs. */
      readonly endsWithProbe: boolean;
      /** When the last trial was made; null for none since it answered. */
      readonly trialAt: number | null;
    }
  | { readonly state: 'half_open'; readonly trialAt: number; readonly coolDownMs: number };

export type CircuitEvent =
  | { readonly kind: 'asked' }
  | { readonly kind: 'answered' }
  /** The client left before the target could show what it is worth. */
  | { readonly kind: 'abandoned' }
  | { readonly kind: 'failed' }
  /** It took a request and said nothing, which costs the next one as much time. */
  | { readonly kind: 'hung' }
  /** It said itself for how long it wants to be left alone, or nothing but an operator can mend it. */
  | { readonly kind: 'resting'; readonly ms: number }
  | { readonly kind: 'probed'; readonly isUp: boolean };

/** Failures in a row that open a circuit: a single one may be the request's own bad luck. */
const FAILURES_TO_OPEN = 3;

export const CLOSED: Circuit = { state: 'closed', failures: 0 };

/** The circuit after an event at `now`, in monotonic milliseconds. */
export function nextCircuit(circuit: Circuit, event: CircuitEvent, now: number): Circuit {
  switch (event.kind) {
    case 'asked':
      return isTrialDue(circuit, now)
        ? { state: 'half_open', trialAt: now, coolDownMs: coolDownOf(circuit) }
        : circuit;
    case 'answered':
      return CLOSED;
    case 'abandoned':
      return circuit.state === 'half_open'
        ? opened(soonestTrial(circuit, now), { ...circuit, endsWithProbe: true })
        : circuit;
    case 'failed':
      if (circuit.state !== 'closed') return reopened(circuit, now);
      return circuit.failures + 1 < FAILURES_TO_OPEN
        ? { state: 'closed', failures: circuit.failures + 1 }
        : opened(now + MIN_COOL_DOWN_MS);
    case 'hung':
      return circuit.state === 'closed'
        ? opened(now + MIN_COOL_DOWN_MS, { endsWithProbe: false })
        : { ...reopened(circuit, now), endsWithProbe: false };
    case 'resting':
      return opened(Math.max(now + event.ms, soonestTrial(circuit, now)), {
        trialAt: trialOf(circuit),
        endsWithProbe: false,
      });
    case 'probed':
      if (!event.isUp) return circuit.state === 'closed' ? opened(now + MIN_COOL_DOWN_MS) : circuit;
      return circuit.state === 'open' && circuit.endsWithProbe
        ? { ...circuit, until: soonestTrial(circuit, now) }
        : circuit;
    default:
      return event satisfies never;
  }
}

/** Whether the target may be asked before those whose circuit is closed are used up. */
export function admits(circuit: Circuit, now: number): boolean {
  return circuit.state === 'closed' || isTrialDue(circuit, now);
}

function isTrialDue(circuit: Circuit, now: number): boolean {
  if (circuit.state === 'open') return now >= circuit.until;
  return circuit.state === 'half_open' && now >= circuit.trialAt + TRIAL_PATIENCE_MS;
}

function coolDownOf(circuit: Circuit): number {
  return circuit.state === 'closed' ? MIN_COOL_DOWN_MS : circuit.coolDownMs;
}

function trialOf(circuit: Circuit): number | null {
  return circuit.state === 'closed' ? null : circuit.trialAt;
}

/** A target in trouble is tried once a second at the most, whoever thinks that it might be well again. */
function soonestTrial(circuit: Circuit, now: number): number {
  return Math.max(now, (trialOf(circuit) ?? Number.NEGATIVE_INFINITY) + MIN_COOL_DOWN_MS);
}

interface Opened {
  readonly coolDownMs?: number;
  readonly endsWithProbe?: boolean;
  readonly trialAt?: number | null;
}

function opened(
  until: number,
  { coolDownMs = MIN_COOL_DOWN_MS, endsWithProbe = true, trialAt = null }: Opened = {},
): Extract<Circuit, { state: 'open' }> {
  return { state: 'open', until, coolDownMs, endsWithProbe, trialAt };
}

/** A trial that failed doubles the cool-down; a failure while the circuit was open says nothing new. */
function reopened(circuit: Circuit, now: number): Extract<Circuit, { state: 'open' }> {
  if (circuit.state === 'open') return circuit;
  const coolDownMs = Math.min(coolDownOf(circuit) * 2, MAX_COOL_DOWN_MS);
  return opened(now + coolDownMs, { coolDownMs, trialAt: trialOf(circuit) });
}

export interface CircuitBreaker {
  stateOf(target: Target): Circuit['state'];
  admits(target: Target): boolean;
  asked(target: Target): void;
  answered(target: Target): void;
  abandoned(target: Target): void;
  /** What a failure says of the target: nothing, where it was the request's own fault. */
  failed(target: Target, error: GatewayError): void;
  /** What the background probe found; it holds for every target of the upstream. */
  probed(upstream: string, isUp: boolean): void;
  /** All targets that there are from now on: those that stay as they were keep their circuits. */
  retarget(targets: readonly Target[]): void;
}

export interface CircuitBreakerOptions {
  readonly clock: Pick<Clock, 'elapsed'>;
  /** Told when a circuit has another state. */
  onChange?(change: CircuitChange): void;
}

export interface CircuitChange {
  readonly upstream: string;
  readonly model: string;
  readonly before: Circuit['state'];
  /** `removed` where the target is not served any more. */
  readonly state: Circuit['state'] | 'removed';
}

export function createCircuitBreaker({ clock, onChange }: CircuitBreakerOptions): CircuitBreaker {
  let circuits = new Map<string, { readonly target: Target; circuit: Circuit }>();
  /** Nearly always none: then no request looks further. */
  let notClosed = 0;
  /** The same, with those that have failed but are closed yet. */
  let notCalm = 0;

  const circuitOf = (target: Target) => circuits.get(keyOf(target))?.circuit ?? CLOSED;

  function take(target: Target, event: CircuitEvent): void {
    const entry = circuits.get(keyOf(target));
    if (!entry) return;
    const before = entry.circuit;
    const after = nextCircuit(before, event, clock.elapsed());
    entry.circuit = after;
    notCalm += Number(after !== CLOSED) - Number(before !== CLOSED);
    if (after.state === before.state) return;
    notClosed += Number(before.state === 'closed') - Number(after.state === 'closed');
    const { upstream, model } = target;
    onChange?.({ upstream, model, before: before.state, state: after.state });
  }

  return {
    stateOf: (target) => circuitOf(target).state,
    admits: (target) => notClosed === 0 || admits(circuitOf(target), clock.elapsed()),
    asked(target) {
      if (notClosed > 0) take(target, { kind: 'asked' });
    },
    answered(target) {
      if (notCalm > 0) take(target, { kind: 'answered' });
    },
    abandoned: (target) => take(target, { kind: 'abandoned' }),
    failed: (target, error) => take(target, meaningOf(error)),
    probed(upstream, isUp) {
      for (const { target } of circuits.values()) {
        if (target.upstream === upstream) take(target, { kind: 'probed', isUp });
      }
    },
    retarget(targets) {
      const before = circuits;
      circuits = new Map(
        targets.map((target) => {
          const known = before.get(keyOf(target));
          const circuit = known && isSame(known.target, target) ? known.circuit : CLOSED;
          return [keyOf(target), { target, circuit }];
        }),
      );
      notCalm = [...circuits.values()].filter(({ circuit }) => circuit !== CLOSED).length;
      notClosed = [...circuits.values()].filter(({ circuit }) => circuit.state !== 'closed').length;
      for (const [key, { target, circuit }] of before) {
        const now = circuits.get(key);
        if (circuit.state === 'closed' || now?.circuit === circuit) continue;
        const { upstream, model } = target;
        const state = now ? 'closed' : 'removed';
        onChange?.({ upstream, model, before: circuit.state, state });
      }
    },
  };
}

function keyOf({ upstream, model }: Target): string {
  return `${upstream}\n${model}`;
}

/** Whether what is known of one target holds for the other: elsewhere, or with another key, it may do better. */
function isSame(one: Target, other: Target): boolean {
  return one.baseUrl === other.baseUrl && Bun.deepEquals(one.headers, other.headers);
}

/** Faults of the target itself. */
const FAULTS: ReadonlySet<ErrorCode> = new Set([
  'upstream_unavailable',
  'upstream_interrupted',
  'upstream_protocol_error',
]);

/** How long a target that refuses the gateway's key is left alone: an operator has to come. */
const REFUSED_KEY_REST_MS = 30_000;

function meaningOf({ code, retryAfterMs }: GatewayError): CircuitEvent {
  if (code === 'upstream_timeout') return { kind: 'hung' };
  if (FAULTS.has(code)) return { kind: 'failed' };
  if (code === 'upstream_rate_limited')
    return { kind: 'resting', ms: retryAfterMs ?? MIN_COOL_DOWN_MS };
  if (code === 'upstream_auth_failed') return { kind: 'resting', ms: REFUSED_KEY_REST_MS };
  // It has answered, if only to say that the request is wrong.
  return { kind: 'answered' };
}
