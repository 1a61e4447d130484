// The body of a request, as it comes: kept once somebody wants it, held back while nobody does, and skipped when the
// reply has gone out without it.
import { MAX_BODY_PARTS, SMALL_BODY_PIECE_BYTES, UNASKED_BODY_BYTES } from '../../domain/limits.ts';
import { ChunkReader } from './chunk-reader.ts';
import type { Framing } from './request-head.ts';

/** What the connection does for a body. */
export interface BodyFlow {
  /** The client waits to be told that its body is wanted (Expect: 100-continue), and now is. */
  goOn(): void;
  pause(): void;
  resume(): void;
}

/** A body as it came: to put a long one together costs more than to read it. */
export type BodyParts = readonly Uint8Array[];

interface Reader {
  resolve(parts: BodyParts): void;
  reject(error: unknown): void;
  onPiece?: ((length: number) => void) | undefined;
}

export class RequestBody {
  /** As the client declared it; null where it comes in chunks. */
  readonly declared: number | null;
  readonly #flow: BodyFlow;
  readonly #chunks: ChunkReader | null;
  /** Bytes that are still to come, where their number is known. */
  #left: number;
  #parts: Buffer[] = [];
  /** Where small pieces are put together, and how much of it is used. */
  #gathered: Buffer | null = null;
  #used = 0;
  #size = 0;
  #reader: Reader | null = null;
  #isUnwanted = false;
  #error: unknown;

  constructor(framing: Framing, flow: BodyFlow) {
    this.#flow = flow;
    this.declared = framing === 'chunked' ? null : framing;
    this.#chunks = framing === 'chunked' ? new ChunkReader() : null;
    this.#left = this.declared ?? 0;
  }

  /** Whether all of it has come. */
  get isWhole(): boolean {
    return this.#chunks ? this.#chunks.isWhole : this.#left === 0;
  }
  get isEmpty(): boolean {
    return this.declared === 0;
  }
  /** Bytes that must still come before the next request can; not known of chunks. */
  get left(): number {
    return this.#chunks && !this.#chunks.isWhole ? Number.POSITIVE_INFINITY : this.#left;
  }

  /**
   * The whole body; may be asked for once. `onPiece` is told of the length of each piece of a body in chunks, and may throw to refuse it.
   * Rejects when the connection is cut before the end, and with a GatewayError for chunks that are none.
   */
  parts(onPiece?: (length: number) => void): Promise<BodyParts> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    try {
      if (onPiece && this.#size > 0) onPiece(this.#size);
    } catch (error) {
      this.#isUnwanted = true;
      return Promise.reject(error);
    }
    if (this.isWhole) return Promise.resolve(this.take());
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject, onPiece };
      this.#flow.goOn();
      this.#flow.resume();
    });
  }

  /** Takes bytes from `from` on; where it stopped, what follows is the next request. Throws for chunks that are none. */
  push(bytes: Buffer, from: number): number {
    const end = this.#chunks
      ? this.#chunks.read(bytes, from, (piece) => this.#add(piece))
      : this.#pushCounted(bytes, from);
    if (this.#reader && this.isWhole) {
      this.#reader.resolve(this.take());
      this.#reader = null;
    }
    return end;
  }

  #pushCounted(bytes: Buffer, from: number): number {
    const to = Math.min(bytes.length, from + this.#left);
    this.#left -= to - from;
    this.#add(bytes.subarray(from, to));
    return to;
  }

  /** No more comes. */
  broke(error: unknown): void {
    this.#error ??= error;
    this.#reader?.reject(error);
    this.#reader = null;
  }

  /** The reply has gone out: what is still to come only has to go by. */
  skip(): void {
    this.#isUnwanted = true;
    this.#parts = [];
    this.#gathered = null;
    if (!this.isWhole) this.#flow.resume();
  }

  #add(piece: Buffer): void {
    if (this.#isUnwanted || piece.length === 0) return;
    if (this.#reader && !this.#isPaidFor(piece.length)) return;
    this.#keep(piece);
    this.#size += piece.length;
    if (!this.#reader && !this.isWhole && this.#size > UNASKED_BODY_BYTES) this.#flow.pause();
  }

  /** A piece of a few bytes would take more memory than they do: so those are put together, unless one is all. */
  #keep(piece: Buffer): void {
    const isAll = piece.length === this.declared;
    if (isAll || piece.length >= SMALL_BODY_PIECE_BYTES) {
      this.#seal();
      this.#parts.push(piece);
      return;
    }
    if (this.#gathered && this.#gathered.length - this.#used < piece.length) this.#seal();
    this.#gathered ??= Buffer.allocUnsafe(4 * SMALL_BODY_PIECE_BYTES);
    this.#used += piece.copy(this.#gathered, this.#used);
  }

  #seal(): void {
    if (this.#gathered) this.#parts.push(this.#gathered.subarray(0, this.#used));
    this.#gathered = null;
    this.#used = 0;
  }

  #isPaidFor(length: number): boolean {
    try {
      this.#reader?.onPiece?.(length);
      return true;
    } catch (error) {
      this.#isUnwanted = true;
      this.broke(error);
      return false;
    }
  }

  /** A body of which all has come. */
  take(): BodyParts {
    this.#seal();
    const parts = this.#parts;
    this.#parts = [];
    return parts.length > MAX_BODY_PARTS ? [Buffer.concat(parts, this.#size)] : parts;
  }
}
