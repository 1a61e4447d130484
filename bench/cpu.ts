// CPU time and memory of processes, from /proc: all their threads, and for nginx its workers.
import { readdirSync, readFileSync } from 'node:fs';

export interface CpuReading {
  /** Of threads that are alive, in nanoseconds. */
  readonly threads: number;
  /** Of the processes with the threads that have ended, in the kernel's 1/100 s. */
  readonly ticks: number;
}

const TICK_MICROS = 10_000;

export function readCpu(pids: readonly number[]): CpuReading {
  let threads = 0;
  let ticks = 0;
  for (const pid of pids) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) threads += runtimeOf(pid, thread);
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return { threads, ticks };
}

/**
 * Microseconds between two readings. The threads' counts are exact but lose threads that end; the processes' lose
 * none, but may be two ticks off.
 */
export function cpuBetween(before: CpuReading, after: CpuReading): number {
  const exact = (after.threads - before.threads) / 1_000;
  const coarse = (after.ticks - before.ticks) * TICK_MICROS;
  return Math.max(exact, coarse - 2 * TICK_MICROS);
}

function runtimeOf(pid: number, thread: string): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  } catch (error) {
    // It has ended since it was listed.
    if (error instanceof Error && /ENOENT|ESRCH/.test(String(Reflect.get(error, 'code')))) return 0;
    throw error;
  }
}

export function residentBytes(pids: readonly number[]): number {
  const pages = pids.map((pid) => Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]));
  return pages.reduce((sum, count) => sum + count * 4096, 0);
}

/** The processes that `pid` has started. */
export function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}
