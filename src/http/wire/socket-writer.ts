// Sends to a socket, and keeps what it does not take.
import { UNREAD_REPLY_BYTES } from '../../domain/limits.ts';

/** What is needed of a socket. */
export interface Writable {
  /** Bytes taken; negative when it is closed. */
  write(data: string | Uint8Array): number;
}

export class SocketWriter {
  readonly #socket: Writable;
  readonly #unsent: Uint8Array[] = [];
  #unsentBytes = 0;

  constructor(socket: Writable) {
    this.#socket = socket;
  }

  get isFlushed(): boolean {
    return this.#unsentBytes === 0;
  }
  /** Whether so much waits for the client to read that more should not be made. */
  get isFull(): boolean {
    return this.#unsentBytes > UNREAD_REPLY_BYTES;
  }

  /** Sends text or bytes; `length` is in bytes. */
  write(data: string | Uint8Array, length: number): void {
    const sent = this.isFlushed ? this.#socket.write(data) : 0;
    if (sent >= length || sent < 0) return;
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    this.#unsent.push(bytes.subarray(sent));
    this.#unsentBytes += length - sent;
  }

  /** To be called when the socket takes more. */
  drain(): void {
    for (;;) {
      const [next] = this.#unsent;
      if (!next) return;
      const sent = Math.max(0, this.#socket.write(next));
      this.#unsentBytes -= sent;
      if (sent === next.length) this.#unsent.shift();
      else {
        this.#unsent[0] = next.subarray(sent);
        return;
      }
    }
  }
}
