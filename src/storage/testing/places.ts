// Temporary places for a store's file, and other processes on it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConversationStore } from '../../conversations/store.ts';
import { openSqliteStore } from '../sqlite.ts';

export interface Place extends AsyncDisposable {
  readonly directory: string;
  /** Of a database file that is not there yet. */
  readonly path: string;
  /** Closed with the place. */
  open(durability?: 'full' | 'normal'): Promise<ConversationStore>;
  /** Runs testing/child.ts on the path; ended with the place. */
  spawn(task: string, argument?: unknown): Child;
}

export interface Child {
  /** The next thing that it says, or null when it has ended. */
  next(): Promise<unknown>;
  poke(): void;
  /** kill -9. */
  kill(): Promise<void>;
}

export function newPlace(): Place {
  const directory = mkdtempSync(join(tmpdir(), 'gateway-store-'));
  const path = join(directory, 'data', 'gateway.db');
  const stores: ConversationStore[] = [];
  const children: Child[] = [];
  return {
    directory,
    path,
    open: async (durability = 'normal') => {
      const store = await openSqliteStore({ path, durability });
      stores.push(store);
      return store;
    },
    spawn: (task, argument = null) => {
      const child = spawnChild([path, task, JSON.stringify(argument)]);
      children.push(child);
      return child;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(stores.map((store) => store.close()));
      await Promise.all(children.map((child) => child.kill()));
      rmSync(directory, { recursive: true });
    },
  };
}

function spawnChild(args: readonly string[]): Child {
  const script = fileURLToPath(new URL('./child.ts', import.meta.url));
  const child = Bun.spawn([process.execPath, script, ...args], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const lines = linesOf(child.stdout);
  return {
    next: async () => {
      const { done, value } = await lines.next();
      return done === true ? null : JSON.parse(value);
    },
    poke: () => {
      void child.stdin.write('.');
      void child.stdin.flush();
    },
    kill: async () => {
      child.kill('SIGKILL');
      await child.exited;
    },
  };
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
