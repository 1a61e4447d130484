// Somebody who types a page's commands one after another, and takes the ids that the next one needs from what came.
import { TOKEN } from './gateway.ts';

export interface Ran {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Reader {
  /** Runs a block as it is, with the ids that were seen so far in CONVERSATION, TURN and CALL. */
  run(code: string): Promise<{ statuses: number[]; output: string }>;
  /** What came with the last block, without headers. */
  body(): string;
}

export interface ReaderOptions {
  readonly url: string;
  readonly folder: string;
}

/** Where the ids stand in a reply. */
const SEEN = {
  CONVERSATION: /\b(conv_[0-9a-f]+)/,
  TURN: /\b(turn_[0-9a-f]+)/,
  CALL: /"tool_calls":\[\{"id":"([^"]+)"/,
} as const;

export function createReader({ url, folder }: ReaderOptions): Reader {
  const ids: Record<string, string> = {};
  let last = '';
  return {
    async run(code) {
      // Nothing of the command is changed but the address; its status is told beside it.
      const quiet = `curl() { command curl -sS -w '%{stderr}\\nSTATUS %{http_code}\\n' "$@"; }\n`;
      const script = quiet + code.replaceAll('http://127.0.0.1:3000', url);
      const { stdout, stderr } = await runExample(['bash', '-ec', script], { folder, ids });
      last = stdout;
      for (const [name, pattern] of Object.entries(SEEN)) {
        const found = pattern.exec(stdout)?.[1];
        if (found !== undefined) ids[name] = found;
      }
      const statuses = [...stderr.matchAll(/^STATUS (\d+)$/gm)].map(([, status]) => Number(status));
      return { statuses, output: `${stdout}${stderr}` };
    },
    body: () => (last.startsWith('HTTP/') ? last.slice(last.indexOf('\r\n\r\n') + 4) : last),
  };
}

export async function runExample(
  command: readonly string[],
  { folder, ids = {} }: { folder: string; ids?: Readonly<Record<string, string>> },
): Promise<Ran> {
  const child = Bun.spawn([...command], {
    cwd: folder,
    env: { PATH: process.env['PATH'], BEARER: TOKEN, ...ids },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [exit, stdout, stderr] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { exit, stdout, stderr };
}
