// A body of lines that are made as the client reads them: all of them may be more than the memory should hold.
import type { Deadline, Deadlines } from '../domain/deadlines.ts';
import type { BodyWriter, StreamBody } from '../domain/stream-body.ts';

export interface LinesBodyOptions {
  readonly deadlines: Deadlines;
  /** How long a client may leave unread what it was sent, in milliseconds. */
  readonly stallMs: number;
}

export class LinesBody implements StreamBody {
  readonly #lines: Iterator<string, void>;
  readonly #options: LinesBodyOptions;
  #out: BodyWriter | null = null;
  #patience: Deadline | undefined;

  constructor(lines: Iterator<string, void>, options: LinesBodyOptions) {
    this.#lines = lines;
    this.#options = options;
  }

  begin(out: BodyWriter): void {
    this.#out = out;
    this.#patience = this.#options.deadlines.arm(this.#options.stallMs, () => out.abort());
    this.onRoom();
  }

  onRoom(): void {
    this.#patience?.rearm(this.#options.stallMs);
    try {
      this.#write();
    } catch {
      // The status has gone out: that the body ends early is all that can still be said.
      this.#patience?.disarm();
      this.#out?.abort();
    }
  }

  onGone(): void {
    this.#patience?.disarm();
    this.#lines.return?.();
  }

  #write(): void {
    for (;;) {
      const { done, value } = this.#lines.next();
      if (done) {
        this.#patience?.disarm();
        return this.#out?.end();
      }
      if (!this.#out?.write(`${value}\n`)) return;
    }
  }
}
