// One request and its reply: lost when the network says so, and when nothing is heard for too long, which is how many
// networks say it.

/** The network failed, not the turn: worth another connection. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

export class Connection {
  readonly #controller = new AbortController();
  readonly #user: AbortSignal | null;
  readonly #silenceMs: number;

  /** `user` ends it early. */
  constructor(user: AbortSignal | null, silenceMs: number) {
    this.#user = user;
    this.#silenceMs = silenceMs;
    if (user?.aborted) this.#abort();
    else user?.addEventListener('abort', this.#abort);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What the network promises: it comes before the silence is too long, or the connection is lost. */
  async hear<T>(pending: Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`nothing came for ${this.#silenceMs} ms`));
        this.#controller.abort();
      }, this.#silenceMs);
    });
    try {
      return await Promise.race([pending, silence]);
    } catch (cause) {
      throw new ConnectionLost('the connection was lost', { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Nothing more is wanted of it. */
  close(): void {
    this.#user?.removeEventListener('abort', this.#abort);
    this.#controller.abort();
  }

  readonly #abort = (): void => {
    this.#controller.abort(this.#user?.reason);
  };
}
