// Replays recorded reply bodies to the provider: in memory, cut however a test likes, or over a socket.
import { readFileSync } from 'node:fs';
import type { Clock } from '../../src/domain/clock.ts';
import { GatewayError } from '../../src/domain/errors.ts';
import { createProvider } from '../../src/providers/by-kind.ts';
import type { Completion, Provider, Target } from '../../src/providers/provider.ts';
import type { UpstreamClient } from '../../src/providers/upstream.ts';

export function fixture(name: string): Buffer {
  return readFileSync(new URL(`../../src/providers/fixtures/${name}.bytes`, import.meta.url));
}

/** Everything that came out of a reply, and the error that ended it. */
export interface Outcome {
  /** The JSON text of each chunk, or of the whole reply. */
  readonly json: readonly string[];
  readonly comments: readonly string[];
  readonly error: {
    readonly code: string;
    readonly status: number;
    readonly message: string;
  } | null;
}

export function chunksOf(outcome: Outcome): Completion[] {
  return outcome.json.map((json) => JSON.parse(json) as Completion);
}

/** The text of choice `index`, put together. */
export function textOf(outcome: Outcome, index = 0): string {
  return chunksOf(outcome)
    .flatMap(({ choices = [] }) => choices.filter((choice) => (choice.index ?? 0) === index))
    .map(({ delta, message }) => (delta ?? message)?.['content'])
    .filter((content) => typeof content === 'string')
    .join('');
}

export const TARGET: Target = {
  upstream: 'fake',
  kind: 'openai',
  baseUrl: 'http://127.0.0.1:9/v1',
  headers: {},
  model: 'fake-model',
  rank: 0,
  weight: 1,
  timeouts: { connectMs: 30_000, firstByteMs: 30_000, idleMs: 30_000, totalMs: 60_000 },
};

const CALL = {
  body: '{"model":"fake-model","messages":[{"role":"user","content":"hi"}]}',
  requestId: 'req_replay',
};

/** Asks once and takes in everything. */
export async function outcomeOf(
  provider: Provider,
  {
    stream,
    choices = 1,
    kind = TARGET.kind,
    baseUrl = TARGET.baseUrl,
    onSeen,
  }: {
    stream: boolean;
    choices?: number;
    /** Of the upstream: which dialect it speaks. */
    kind?: string;
    baseUrl?: string;
    /** Told how many events have come: 0 when the reply begins. */
    onSeen?: (events: number) => void;
  },
): Promise<Outcome> {
  const json: string[] = [];
  const comments: string[] = [];
  try {
    const target = { ...TARGET, kind, baseUrl };
    const reply = await provider.ask(
      target,
      { ...CALL, stream, choices },
      new AbortController().signal,
    );
    if (reply.kind === 'json') return { json: [reply.json], comments, error: null };
    onSeen?.(0);
    for await (const batch of reply.events) {
      for (const event of batch) {
        if (event.kind === 'comment') comments.push(event.text);
        else json.push(event.json);
      }
      onSeen?.(json.length);
    }
    return { json, comments, error: null };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return {
      json,
      comments,
      error: { code: error.code, status: error.status, message: error.message },
    };
  }
}

/** For dialects that have to date their answers: the same whenever they are replayed. */
const STOPPED_CLOCK: Clock = { now: () => 1_700_000_000_000, elapsed: () => 0 };

/** The outcome of a reply whose body arrives in these pieces and then ends. */
export async function replay(
  pieces: readonly Uint8Array[],
  {
    stream,
    choices = 1,
    kind = TARGET.kind,
    baseUrl = TARGET.baseUrl,
    contentType = stream ? 'text/event-stream; charset=utf-8' : 'application/json',
  }: {
    stream: boolean;
    choices?: number;
    kind?: string;
    baseUrl?: string;
    contentType?: string;
  },
): Promise<Outcome> {
  const client: UpstreamClient = {
    post: () =>
      Promise.resolve({
        contentType,
        async *chunks() {
          yield* pieces;
        },
        whole: () => null,
        discard() {},
      }),
  };
  const provider = createProvider(client, STOPPED_CLOCK);
  return await outcomeOf(provider, { stream, choices, kind, baseUrl });
}

export function oneByOne(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
}
