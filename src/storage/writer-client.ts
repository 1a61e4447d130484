// The event loop's side of the writer: queues commands while a batch is under way and sends the whole queue as the
// next one, so that the batches grow with the load and each pays one fsync. Starts the writer's thread, and starts
// another when it died.
import type { GatewayError } from '../domain/errors.ts';
import { closed, toError, unavailable, UnusableFileError } from './failure.ts';
import { packed, unpacked } from './thread-message.ts';
import type {
  BatchResult,
  Command,
  FromWriter,
  LedgerOptions,
  ToWriter,
  WriteKind,
  Writes,
} from './writer-protocol.ts';

/** Far more than turns can be in flight: reached only when the disk has stalled. */
const MAX_QUEUED = 20_000;

/** Bounds how long one transaction keeps other processes from writing. */
const MAX_BATCH = 1_000;

interface Pending {
  readonly command: Command;
  /** Monotonic milliseconds. */
  readonly queuedAt: number;
  readonly answer: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** `starting` and `busy` wait for the worker's word; `closing` has sent it `close`. */
type State = 'stopped' | 'starting' | 'idle' | 'busy' | 'closing' | 'closed';

export class WriterClient {
  readonly #options: LedgerOptions;
  readonly #spawn: () => Worker;
  #state: State = 'stopped';
  #worker: Worker | null = null;
  #queue: Pending[] = [];
  #underWay: readonly Pending[] = [];
  /** Turns whose acceptance failed with an unknown outcome: ended with the next batch that is committed. */
  #abandoned: readonly string[] = [];
  #flushScheduled = false;
  #opening: PromiseWithResolvers<void> | null = null;
  #closing: PromiseWithResolvers<void> | null = null;

  constructor(options: LedgerOptions, spawn: () => Worker = spawnWriter) {
    this.#options = options;
    this.#spawn = spawn;
  }

  /** Rejects, with a message for the operator, when the file cannot be used. */
  open(): Promise<void> {
    this.#opening = Promise.withResolvers();
    this.#start();
    return this.#opening.promise;
  }

  write<K extends WriteKind>(
    command: Command & { readonly kind: K },
  ): Promise<Writes[K]['result']> {
    return new Promise((resolve, reject) => {
      if (this.#closing !== null || this.#state === 'closed') {
        reject(closed());
      } else if (this.#queue.length >= MAX_QUEUED) {
        reject(unavailable('The disk of the conversations does not keep up. Try again shortly.'));
      } else {
        // oxlint-disable-next-line no-unsafe-type-assertion -- ledger.ts answers each kind with its own result
        const answer = (value: unknown): void => resolve(value as Writes[K]['result']);
        this.#queue.push({ command, queuedAt: performance.now(), answer, reject });
        this.#schedule();
      }
    });
  }

  /** Writes what is queued, then ends the thread. */
  close(): Promise<void> {
    if (this.#state === 'closed') return Promise.resolve();
    this.#closing ??= Promise.withResolvers();
    this.#next();
    return this.#closing.promise;
  }

  /** At the end of the tick, so that commands made in one go are one batch. */
  #schedule(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    queueMicrotask(() => {
      this.#flushScheduled = false;
      this.#next();
    });
  }

  #next(): void {
    if (this.#state === 'stopped') {
      if (this.#queue.length > 0) this.#start();
      else if (this.#closing !== null) this.#closed();
      return;
    }
    if (this.#state !== 'idle') return;
    if (this.#queue.length > 0) {
      this.#underWay = this.#queue.splice(0, MAX_BATCH);
      this.#state = 'busy';
      const commands = this.#underWay.map(({ command }) => command);
      const waitedMs = performance.now() - (this.#underWay[0]?.queuedAt ?? 0);
      this.#send({ type: 'batch', batch: { commands, abandoned: this.#abandoned, waitedMs } });
    } else if (this.#closing !== null) {
      this.#state = 'closing';
      this.#send({ type: 'close' });
    }
  }

  #start(): void {
    this.#state = 'starting';
    const worker = this.#spawn();
    this.#worker = worker;
    worker.addEventListener('message', ({ data }: MessageEvent<FromWriter | string>) => {
      if (this.#worker === worker) this.#receive(unpacked(data));
    });
    const died = (cause: unknown): void => {
      if (this.#worker === worker) this.#died(cause);
    };
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      died(new Error(`the writer's thread failed: ${event.message}`));
    });
    worker.addEventListener('close', () => died(new Error("the writer's thread ended")));
    this.#send({ type: 'open', options: this.#options });
  }

  #send(message: ToWriter): void {
    try {
      this.#worker?.postMessage(packed(message));
    } catch (error) {
      this.#died(error);
    }
  }

  #receive(message: FromWriter): void {
    switch (message.type) {
      case 'ready':
        this.#state = 'idle';
        this.#opening?.resolve();
        this.#opening = null;
        break;
      case 'refused':
        this.#refused(message);
        break;
      case 'done':
        this.#settle(message.result);
        this.#state = 'idle';
        break;
      case 'closed':
        this.#closed();
        return;
    }
    this.#next();
  }

  #settle({ results, outcome }: BatchResult): void {
    const batch = this.#underWay;
    this.#underWay = [];
    if (outcome === 'committed') this.#abandoned = [];
    if (outcome === 'unknown') this.#doubt(batch);
    for (const [i, { answer, reject }] of batch.entries()) {
      const result = results[i];
      if (result === undefined) reject(new Error('the writer left a command unanswered'));
      else if (result.ok) answer(result.value);
      else reject(toError(result.failure));
    }
  }

  #refused({ failure }: Extract<FromWriter, { type: 'refused' }>): void {
    this.#stop();
    const opening = this.#opening;
    this.#opening = null;
    // At start the operator reads it; later it is a client, who is told no paths.
    opening?.reject(new UnusableFileError(failure.message));
    this.#rejectAll(toError(failure));
  }

  #died(cause: unknown): void {
    this.#doubt(this.#underWay);
    this.#stop();
    const error: GatewayError = unavailable(
      'Conversations cannot be written right now. Try again shortly.',
      cause,
    );
    this.#opening?.reject(error);
    this.#opening = null;
    this.#rejectAll(error);
    this.#next();
  }

  /** Nobody will work on these turns, so they must not keep their conversations busy. */
  #doubt(batch: readonly Pending[]): void {
    const accepts = batch.flatMap(({ command }) =>
      command.kind === 'accept' ? [command.input.turnId] : [],
    );
    this.#abandoned = [...this.#abandoned, ...accepts];
  }

  #rejectAll(error: Error): void {
    const lost = [...this.#underWay, ...this.#queue];
    this.#underWay = [];
    this.#queue = [];
    for (const { reject } of lost) reject(error);
  }

  #stop(): void {
    this.#worker?.terminate();
    this.#worker = null;
    this.#state = 'stopped';
  }

  #closed(): void {
    this.#stop();
    this.#state = 'closed';
    this.#closing?.resolve();
  }
}

/** In a compiled binary the thread's file is an entry of its own, named as here: `--entry-naming '[name].[ext]'`. */
function spawnWriter(): Worker {
  return new Worker(new URL('./sqlite-writer.ts', import.meta.url));
}
