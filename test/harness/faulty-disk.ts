// Disks that are full, files that somebody else has locked, and system calls that fail, as far as this machine lets
// a test make them.
import { Database } from 'bun:sqlite';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Mounts a small file system; false where that is not allowed. */
export function mountSmallDisk(directory: string, size: string): boolean {
  return (
    process.platform === 'linux' &&
    Bun.which('mount') !== null &&
    succeeds(['mount', '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', directory])
  );
}

export function remount(directory: string, how: 'ro' | 'rw'): boolean {
  return succeeds(['mount', '-o', `remount,${how}`, directory]);
}

export function unmount(directory: string): boolean {
  return succeeds(['umount', directory]);
}

function succeeds(command: string[]): boolean {
  return Bun.spawnSync(command, { stderr: 'ignore' }).exitCode === 0;
}

/** Takes all the room that is left; returns what gives it back. */
export function fillDisk(directory: string): () => void {
  const filler = join(directory, 'filler');
  const { bavail, bsize } = statfsSync(directory);
  writeFileSync(filler, Buffer.alloc(bavail * bsize));
  return () => rmSync(filler);
}

/** Another program that is writing and does not come to an end. */
export function lockDatabase(path: string): Disposable {
  const db = new Database(path);
  db.run('BEGIN IMMEDIATE');
  return { [Symbol.dispose]: () => db.close(true) };
}

/** Whether strace is there and may look into processes. */
export function mayInjectFaults(): boolean {
  return (
    process.platform === 'linux' &&
    Bun.which('strace') !== null &&
    succeeds(['strace', '-o', '/dev/null', 'true'])
  );
}

/** From now on these system calls of a process fail, until the returned function has been called. */
export async function failSystemCalls(
  pid: number,
  { calls, error }: { calls: string; error: string },
): Promise<() => Promise<void>> {
  const fault = [`trace=${calls}`, '-e', `inject=${calls}:error=${error}`];
  const strace = Bun.spawn(['strace', '-f', '-p', String(pid), '-e', ...fault], {
    stdout: 'ignore',
    stderr: 'pipe',
  });
  const { promise: attached, resolve, reject } = Promise.withResolvers<void>();
  void (async () => {
    const decoder = new TextDecoder();
    let said = '';
    // Read to its end, as it goes on to tell of every call.
    for await (const bytes of strace.stderr) {
      said += decoder.decode(bytes, { stream: true });
      if (said.includes('attached')) resolve();
    }
    reject(new Error(`strace did not attach: ${said}`));
  })();
  await attached;
  return async () => {
    strace.kill('SIGINT');
    await strace.exited;
  };
}
