// Where log lines go: gathered, and written in the background, one write at a time. Whoever reads them may stand still
// for ever: then what is gathered has a ceiling, lines beyond it are dropped and counted, and nobody waits.
import { write } from 'node:fs';
import { LOG_FLUSH_MS, MAX_GATHERED_LOG_CHARS } from '../domain/limits.ts';

export interface LogSink {
  /** Takes a line, with its end. */
  write(line: string): void;
  /** Lines that were dropped so far. */
  dropped(): number;
  /** Resolves when all has been written, or after `ms`, whichever comes first. */
  end(ms: number): Promise<void>;
}

export interface LogSinkOptions {
  readonly fd: number;
  /** A line that tells of dropped ones; written as soon as there is room again. */
  lineForDropped(count: number): string;
}

/**
 * Lines are written into a block at once: kept as strings until they go out they would outlive a collection, which makes
 * each of them dear. A block is worth a write before LOG_FLUSH_MS are over, and more than a pipe holds is no use.
 */
const BLOCK_BYTES = 64 * 1024;
const MAX_BYTES_PER_CHAR = 3;

export function createLogSink({ fd, lineForDropped }: LogSinkOptions): LogSink {
  let block: Buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  let used = 0;
  /** Blocks that are to be written, oldest first. */
  const waiting: Buffer[] = [];
  /** A block that has been written, for the next one. */
  let spare: Buffer | null = null;
  /** Bytes in all of them. */
  let gathered = 0;
  let isWriting = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let dropped = 0;
  let told = 0;
  let onWritten: (() => void) | undefined;

  function add(line: string): void {
    const most = line.length * MAX_BYTES_PER_CHAR;
    if (most > block.length - used) closeBlock(most);
    const length = block.write(line, used);
    used += length;
    gathered += length;
  }

  /** The next block has room for a line of `bytes`. */
  function closeBlock(bytes = 0): void {
    if (used > 0) waiting.push(block.subarray(0, used));
    used = 0;
    if (spare && bytes <= BLOCK_BYTES) {
      block = spare;
      spare = null;
    } else block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, bytes));
  }

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (isWriting) return;
    if (waiting.length === 0 && used > 0) closeBlock();
    const bytes = waiting.shift();
    if (!bytes) {
      onWritten?.();
      return;
    }
    isWriting = true;
    writeAll(bytes, 0);
  }

  /** A pipe may take a part; one that is non-blocking and full takes nothing, and is tried again. */
  function writeAll(bytes: Buffer, from: number): void {
    write(fd, bytes, from, bytes.length - from, null, (error, written) => {
      const at = error ? from : from + written;
      if (error?.code === 'EAGAIN') setTimeout(() => writeAll(bytes, at), LOG_FLUSH_MS);
      else if (!error && at < bytes.length) writeAll(bytes, at);
      else finished(bytes);
    });
  }

  /** Of a sink that is gone for good, nobody can be told. */
  function finished(bytes: Buffer): void {
    isWriting = false;
    gathered -= bytes.length;
    if (bytes.buffer.byteLength === BLOCK_BYTES) spare = Buffer.from(bytes.buffer);
    if (dropped > told) {
      const line = lineForDropped(dropped - told);
      told = dropped;
      add(line);
    }
    if (waiting.length > 0 || onWritten) flush();
    else if (used > 0) timer ??= setTimeout(flush, LOG_FLUSH_MS);
  }

  return {
    write(line) {
      if (gathered + line.length > MAX_GATHERED_LOG_CHARS) {
        dropped++;
        return;
      }
      add(line);
      if (waiting.length > 0) flush();
      else timer ??= setTimeout(flush, LOG_FLUSH_MS);
    },
    dropped: () => dropped,
    end: (ms) =>
      new Promise((resolve) => {
        const late = setTimeout(resolve, ms);
        onWritten = () => {
          clearTimeout(late);
          resolve();
        };
        flush();
      }),
  };
}
