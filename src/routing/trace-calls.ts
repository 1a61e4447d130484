// One span per call to an upstream, where traces are configured: a provider behind this decorator tells of each call
// when it has ended what OpenTelemetry's conventions for generative AI want to know. Nothing of what was said.
import { GatewayError } from '../domain/errors.ts';
import type { Usage } from '../domain/message.ts';
import type { Stop } from '../domain/stop.ts';
import { childOf, type TraceContext } from '../domain/trace-context.ts';
import type { ChatCall, ChatEvent, Completion, Provider, Target } from '../providers/provider.ts';
import { isVisible, type Batches } from './commit.ts';

/** Of a request for more answers, the reasons why these ended are enough. */
const MAX_CHOICES = 16;

export interface TracedCall {
  readonly trace: TraceContext;
  readonly target: Pick<Target, 'upstream' | 'kind' | 'baseUrl' | 'model'>;
  readonly stream: boolean;
  readonly choices: number;
  /** Monotonic milliseconds, as the two below. */
  readonly startedAt: number;
  firstChunkAt: number | null;
  firstTokenAt: number | null;
  responseId: string | null;
  responseModel: string | null;
  /** By the index of the choice. */
  readonly finishReasons: string[];
  usage: Usage | null;
  /** The code of what ended it; `cancelled` where nobody wanted it any more. */
  error: string | null;
}

export interface TraceCallsOptions {
  /** Monotonic milliseconds. */
  elapsed(): number;
  onCall(call: TracedCall): void;
}

export function traceCalls(provider: Provider, { elapsed, onCall }: TraceCallsOptions): Provider {
  return {
    async ask(target, call, signal) {
      if (!call.trace) return await provider.ask(target, call, signal);
      const trace = childOf(call.trace);
      const told = { ...call, trace };
      if (!trace.sampled) return await provider.ask(target, told, signal);
      const traced = begun(target, told, { trace, startedAt: elapsed() });
      const onEnd = oneEnd(signal, (reason) => onCall(Object.assign(traced, { error: reason })));
      try {
        const reply = await provider.ask(target, told, signal);
        if (reply.kind === 'stream')
          return { kind: 'stream', events: watched(reply.events, { traced, elapsed, onEnd }) };
        learn(reply.completion, traced);
        onEnd(null);
        return reply;
      } catch (error) {
        onEnd(reasonFor(error));
        throw error;
      }
    },
  };
}

function begun(
  target: Target,
  { stream, choices = 1 }: ChatCall,
  at: Pick<TracedCall, 'trace' | 'startedAt'>,
): TracedCall {
  return {
    ...at,
    target,
    stream,
    choices,
    firstChunkAt: null,
    firstTokenAt: null,
    responseId: null,
    responseModel: null,
    finishReasons: [],
    usage: null,
    error: null,
  };
}

/** Calls `onEnd` once: with what ended the call, or with `cancelled` as soon as nobody wants it any more. */
function oneEnd(signal: Stop, onEnd: (reason: string | null) => void) {
  let ended = false;
  const end = (reason: string | null): void => {
    if (ended) return;
    ended = true;
    signal.removeEventListener('abort', onAbort);
    onEnd(signal.aborted ? reasonFor(signal.reason) : reason);
  };
  // A reader that is gone may leave the stream as it is, neither read on nor returned.
  const onAbort = () => end(CANCELLED);
  signal.addEventListener('abort', onAbort);
  return end;
}

const CANCELLED = 'cancelled';

/** What is no GatewayError is the reason of a signal: a client that left, a race that was lost, a turn that was cancelled. */
function reasonFor(error: unknown): string {
  return error instanceof GatewayError ? error.code : CANCELLED;
}

interface Watch {
  readonly traced: TracedCall;
  elapsed(): number;
  onEnd(reason: string | null): void;
}

/** An object rather than a generator, as `resumed` is: its `return` works before its first `next`. */
function watched(events: Batches, { traced, elapsed, onEnd }: Watch): Batches {
  const stream: Batches = {
    async next() {
      try {
        const result = await events.next();
        if (result.done) onEnd(null);
        else see(result.value);
        return result;
      } catch (error) {
        onEnd(reasonFor(error));
        throw error;
      }
    },
    async return() {
      onEnd(CANCELLED);
      return await events.return();
    },
    async throw(error) {
      onEnd(CANCELLED);
      return await events.throw(error);
    },
    [Symbol.asyncIterator]: () => stream,
    async [Symbol.asyncDispose]() {
      await stream.return();
    },
  };
  function see(batch: readonly ChatEvent[]): void {
    const now = elapsed();
    for (const event of batch) {
      if (event.kind !== 'chunk') continue;
      traced.firstChunkAt ??= now;
      if (traced.firstTokenAt === null && isVisible(event)) traced.firstTokenAt = now;
      learn(event.chunk, traced);
    }
  }
  return stream;
}

function learn(completion: Completion, traced: TracedCall): void {
  const { id, usage, choices } = completion;
  const model = completion['model'];
  if (typeof id === 'string') traced.responseId ??= id;
  if (typeof model === 'string') traced.responseModel ??= model;
  if (usage) traced.usage = usage;
  for (const { index = 0, finish_reason } of choices ?? []) {
    if (typeof finish_reason === 'string' && index < MAX_CHOICES)
      traced.finishReasons[index] ??= finish_reason;
  }
}
