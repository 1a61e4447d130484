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

/** So much is worth a write before LOG_FLUSH_MS are over. */
const ENOUGH_CHARS = 16_000;

export function createLogSink({ fd, lineForDropped }: LogSinkOptions): LogSink {
  let lines: string[] = [];
  let gathered = 0;
  let isWriting = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let dropped = 0;
  let told = 0;
  let onWritten: (() => void) | undefined;

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (isWriting) return;
    if (lines.length === 0) {
      onWritten?.();
      return;
    }
    const bytes = Buffer.from(lines.join(''));
    lines = [];
    isWriting = true;
    writeAll(bytes, 0);
  }

  /** A pipe may take a part; one that is non-blocking and full takes nothing, and is tried again. */
  function writeAll(bytes: Buffer, from: number): void {
    write(fd, bytes, from, bytes.length - from, null, (error, written) => {
      const at = error ? from : from + written;
      if (error?.code === 'EAGAIN') setTimeout(() => writeAll(bytes, at), LOG_FLUSH_MS);
      else if (!error && at < bytes.length) writeAll(bytes, at);
      else finished();
    });
  }

  /** Of a sink that is gone for good, nobody can be told. */
  function finished(): void {
    isWriting = false;
    gathered = lines.reduce((sum, line) => sum + line.length, 0);
    if (dropped > told) {
      const line = lineForDropped(dropped - told);
      told = dropped;
      lines.push(line);
      gathered += line.length;
    }
    flush();
  }

  return {
    write(line) {
      if (gathered + line.length > MAX_GATHERED_LOG_CHARS) {
        dropped++;
        return;
      }
      lines.push(line);
      gathered += line.length;
      if (gathered > ENOUGH_CHARS) flush();
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
