// What the kernel tells of a process: its memory, its descriptors, and the connections of a port.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const PAGE_BYTES = 4096;

export function residentBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
}

export interface Descriptors {
  readonly all: number;
  readonly sockets: number;
}

export function descriptorsOf(pid: number): Descriptors {
  const folder = `/proc/${pid}/fd`;
  let sockets = 0;
  let all = 0;
  for (const fd of readdirSync(folder)) {
    try {
      if (readlinkSync(`${folder}/${fd}`).startsWith('socket:')) sockets++;
      all++;
    } catch {
      // Closed since the folder was read.
      continue;
    }
  }
  return { all, sockets };
}

/** The TCP sockets of a process in words, for whoever looks for one too many. */
export function socketsOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  const inodes = readdirSync(folder).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${fd}`))?.[1] ?? [];
    } catch {
      return [];
    }
  });
  const lines = new Map(
    ['tcp', 'tcp6'].flatMap((table) =>
      readFileSync(`/proc/net/${table}`, 'utf8')
        .split('\n')
        .slice(1)
        .map((line) => line.trim().split(/\s+/))
        .map(([, local = '', remote = '', state = '', , , , , , inode = '']) => {
          const port = (end: string) => Number.parseInt(end.split(':')[1] ?? '0', 16);
          return [inode, `${port(local)} to ${port(remote)} in state ${state}`] as const;
        }),
    ),
  );
  return inodes.map((inode) => lines.get(inode) ?? `socket ${inode}, no TCP`);
}

/** Whether the process has a handler of its own for the signal with this number. */
export function catches(pid: number, signal: number): boolean {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${caught}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

const ESTABLISHED = '01';
/** States of a connection that a process holds: what merely waits to be forgotten (TIME_WAIT) belongs to none. */
const OPEN_STATES = new Set([ESTABLISHED, '02', '03', '04', '05', '08', '09', '0B']);

export interface Connections {
  /** Ends that the process behind the port holds. */
  readonly held: number;
  /** Ends that the others hold and have not closed. */
  readonly kept: number;
}

/** IPv4 connections on this machine to a port. */
export function connectionsTo(port: number): Connections {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  let [held, kept] = [0, 0];
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)) {
    // After a load there are ten thousand that are of other ports, or only wait to be forgotten.
    if (!line.includes(end)) continue;
    const [, local = '', remote = '', state = ''] = line.trim().split(/\s+/);
    if (local.endsWith(end) && OPEN_STATES.has(state)) held++;
    if (remote.endsWith(end) && state === ESTABLISHED) kept++;
  }
  return { held, kept };
}
