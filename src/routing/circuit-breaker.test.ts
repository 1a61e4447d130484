// The circuit of a target as a state machine: what opens it, what closes it, and what must never happen to it.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { GatewayError, type ErrorCode } from '../domain/errors.ts';
import { MAX_COOL_DOWN_MS, MIN_COOL_DOWN_MS, TRIAL_PATIENCE_MS } from '../domain/limits.ts';
import type { Target } from '../providers/provider.ts';
import {
  admits,
  CLOSED,
  createCircuitBreaker,
  nextCircuit,
  type Circuit,
  type CircuitEvent,
} from './circuit-breaker.ts';

const event = fc.oneof(
  fc.constantFrom<CircuitEvent>(
    { kind: 'asked' },
    { kind: 'answered' },
    { kind: 'abandoned' },
    { kind: 'failed' },
    { kind: 'hung' },
    { kind: 'probed', isUp: true },
    { kind: 'probed', isUp: false },
  ),
  fc.record({ kind: fc.constant('resting' as const), ms: fc.nat({ max: 60_000 }) }),
);
const history = fc.array(fc.record({ event, wait: fc.nat({ max: 40_000 }) }), { maxLength: 30 });

/** Runs events one after another; `now` is when the last one happened. */
function run(steps: readonly { event: CircuitEvent; wait: number }[]) {
  let circuit: Circuit = CLOSED;
  let now = 0;
  for (const step of steps) {
    now += step.wait;
    circuit = nextCircuit(circuit, step.event, now);
  }
  return { circuit, now };
}

describe('a circuit', () => {
  test('admits again within a minute of whatever happened', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const { circuit, now } = run(steps);
        expect(admits(circuit, now + 60_000)).toBe(true);
      }),
    );
  });

  test('is closed by an answer, whatever happened before', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const { circuit, now } = run(steps);
        expect(nextCircuit(circuit, { kind: 'answered' }, now)).toEqual(CLOSED);
      }),
    );
  });

  test('lets one trial through at a time', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const { circuit, now } = run(steps);
        if (circuit.state !== 'open') return;
        const due = Math.max(now, circuit.until);
        const trial = nextCircuit(circuit, { kind: 'asked' }, due);
        expect(trial.state).toBe('half_open');
        expect(admits(trial, due)).toBe(false);
        expect(admits(trial, due + TRIAL_PATIENCE_MS)).toBe(true);
      }),
    );
  });

  test('lets one trial a second through at the most, until one of them is answered', () => {
    const soon = fc.array(fc.record({ event, wait: fc.nat({ max: 700 }) }), { maxLength: 60 });
    fc.assert(
      fc.property(soon, (steps) => {
        let circuit: Circuit = CLOSED;
        let now = 0;
        let triedAt = Number.NEGATIVE_INFINITY;
        for (const step of steps) {
          now += step.wait;
          circuit = nextCircuit(circuit, step.event, now);
          if (step.event.kind === 'answered') triedAt = Number.NEGATIVE_INFINITY;
          if (circuit.state !== 'half_open' || circuit.trialAt !== now) continue;
          if (step.event.kind !== 'asked' || triedAt === now) continue;
          expect(now - triedAt).toBeGreaterThanOrEqual(MIN_COOL_DOWN_MS);
          triedAt = now;
        }
      }),
      { numRuns: 500 },
    );
  });

  test('opens at the third failure in a row, not at the third in all', () => {
    const failed = { kind: 'failed' } as const;
    const answered = { kind: 'answered' } as const;
    const after = (...events: CircuitEvent[]) =>
      run(events.map((one) => ({ event: one, wait: 0 }))).circuit.state;
    expect(after(failed, failed)).toBe('closed');
    expect(after(failed, failed, answered, failed, failed)).toBe('closed');
    expect(after(failed, failed, failed)).toBe('open');
  });

  test('opens at the first request that hangs, and at a probe that finds nobody', () => {
    expect(nextCircuit(CLOSED, { kind: 'hung' }, 0).state).toBe('open');
    expect(nextCircuit(CLOSED, { kind: 'probed', isUp: false }, 0).state).toBe('open');
  });

  test('stays open twice as long after each trial that fails, up to a limit', () => {
    let circuit = nextCircuit(CLOSED, { kind: 'hung' }, 0);
    const coolDowns: number[] = [];
    for (let now = 0; coolDowns.length < 7;) {
      if (circuit.state !== 'open') throw new Error('it should be open');
      coolDowns.push(circuit.until - now);
      now = circuit.until;
      circuit = nextCircuit(nextCircuit(circuit, { kind: 'asked' }, now), { kind: 'failed' }, now);
    }
    expect(coolDowns).toEqual([1, 2, 4, 8, 16, 30, 30].map((seconds) => seconds * 1000));
    expect([MIN_COOL_DOWN_MS, MAX_COOL_DOWN_MS]).toEqual([1_000, 30_000]);
  });

  test('is due for a trial when a probe finds its upstream alive, but not if it hung or asked for a pause', () => {
    const alive = { kind: 'probed', isUp: true } as const;
    const down = nextCircuit(CLOSED, { kind: 'probed', isUp: false }, 0);
    expect(admits(nextCircuit(down, alive, 1), 1)).toBe(true);
    for (const kept of [{ kind: 'hung' }, { kind: 'resting', ms: 5_000 }] as const) {
      expect(admits(nextCircuit(nextCircuit(CLOSED, kept, 0), alive, 1), 1)).toBe(false);
    }
  });
});

test('other targets: those that stay as they are keep their circuits, others begin with a closed one', () => {
  const target = (model: string, more = {}): Target =>
    ({ upstream: 'up', model, baseUrl: 'http://a/v1', headers: {}, ...more }) as Target;
  const changes: string[] = [];
  const breaker = createCircuitBreaker({
    clock: { elapsed: () => 0 },
    onChange: ({ model, state }) => changes.push(`${model} ${state}`),
  });
  const models = ['kept', 'moved', 'rekeyed', 'gone'];
  breaker.retarget(models.map((model) => target(model)));
  for (const model of models)
    breaker.failed(target(model), new GatewayError('upstream_rate_limited'));
  changes.length = 0;
  const moved = target('moved', { baseUrl: 'http://b/v1' });
  const rekeyed = target('rekeyed', { headers: { authorization: 'Bearer new' } });
  breaker.retarget([target('kept'), moved, rekeyed, target('new')]);
  const states = ['kept', 'moved', 'rekeyed', 'new'].map((model) => breaker.stateOf(target(model)));
  expect(states).toEqual(['open', 'closed', 'closed', 'closed']);
  expect(changes).toEqual(['moved closed', 'rekeyed closed', 'gone removed']);
  expect(breaker.admits(target('kept'))).toBe(false);
  // A request that still runs at one that is gone has nobody to tell.
  breaker.failed(target('gone'), new GatewayError('upstream_rate_limited'));
  expect(changes).toHaveLength(3);
});

describe('what an error says of its target', () => {
  const target = { upstream: 'up', model: 'm' } as Target;
  const stateAfter = (code: ErrorCode, times: number) => {
    const changes: string[] = [];
    const breaker = createCircuitBreaker({
      clock: { elapsed: () => 0 },
      onChange: ({ state }) => changes.push(state),
    });
    breaker.retarget([target]);
    for (let n = 0; n < times; n++) breaker.failed(target, new GatewayError(code));
    return { state: breaker.stateOf(target), changes };
  };

  test('is nothing bad where the request itself is at fault', () => {
    for (const code of ['upstream_rejected', 'context_length_exceeded'] as const) {
      expect(stateAfter(code, 9)).toEqual({ state: 'closed', changes: [] });
    }
  });

  test('is to be left alone at once where it refused our key or asked for a pause', () => {
    for (const code of ['upstream_auth_failed', 'upstream_rate_limited'] as const) {
      expect(stateAfter(code, 1)).toEqual({ state: 'open', changes: ['open'] });
    }
  });

  test('is told of once, however often it fails', () => {
    expect(stateAfter('upstream_unavailable', 9).changes).toEqual(['open']);
  });
});
