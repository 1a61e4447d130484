// Who reads the gateway's log in the soak: counts its lines, keeps those that tell of a fault, and at times does not
// read at all, as a full disk or a slow collector does.
import type { GatewayProcess } from '../harness/gateway.ts';

/** Lines that are kept: enough to see what is wrong. */
const MOST_KEPT = 20;

/** What it says of a configuration that is broken, and was meant to be. */
const EXPECTED = /"msg":"configuration (?:problem|not reloaded)/;

export class LogSink {
  lines = 0;
  /** Lines of the levels error and fatal, beyond those that somebody asked for. */
  readonly complaints: string[] = [];
  #rest = '';
  #held: Promise<void> = Promise.resolve();

  /** Reads until the process is gone. */
  async read({ process }: Pick<GatewayProcess, 'process'>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of process.stdout) {
      await this.#held;
      this.#take(decoder.decode(bytes, { stream: true }));
    }
  }

  /** Takes nothing for so long. */
  hold(ms: number): void {
    this.#held = Bun.sleep(ms);
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    this.lines += lines.length;
    for (const line of lines) {
      if (
        this.complaints.length < MOST_KEPT &&
        /"level":(?:50|60)\b/.test(line) &&
        !EXPECTED.test(line)
      )
        this.complaints.push(line.slice(0, 2_000));
    }
  }
}
