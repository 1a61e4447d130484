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

/** Whether the process has a handler of its own for the signal with this number. */
export function catches(pid: number, signal: number): boolean {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${caught}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

/** A connection in the kernel's table that is not merely waiting to be forgotten (TIME_WAIT belongs to no process). */
const OPEN_STATES = new Set(['01', '02', '03', '04', '05', '08', '09', '0B']);

/** IPv4 connections of which one end has this port, and that a process still holds. */
export function connectionsOf(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .slice(1)
    .filter((line) => {
      const [, local = '', remote = '', state = ''] = line.trim().split(/\s+/);
      return (local.endsWith(`:${hex}`) || remote.endsWith(`:${hex}`)) && OPEN_STATES.has(state);
    }).length;
}
