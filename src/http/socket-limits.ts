// What only the kernel can do. Clients that are gone without a word (a cable was pulled, a laptop was closed) it knows
// by what they do not acknowledge; and it holds what a slow client has not read, some megabytes unless it is told less.
// The limits are set on the listening sockets, whose connections inherit them. Bun has no call for that; on Linux its
// foreign functions have.
import { dlopen, ptr } from 'bun:ffi';
import { SEND_BUFFER_BYTES } from '../domain/limits.ts';

const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_KEEPALIVE = 9;
const SO_ACCEPTCONN = 30;
const IPPROTO_TCP = 6;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_USER_TIMEOUT = 18;

const LIBRARIES = ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1'];

/** Where listening sockets are found: they are opened at the start. */
const LIKELY_DESCRIPTORS = 256;

/** Silence after which the kernel asks whether a peer is there, and the time between its questions, in seconds. */
const ASK_AFTER = 30;
const ASK_EVERY = 10;

/**
 * From now on the kernel ends a connection when what was sent has not been acknowledged for `deadAfterMs`, or when
 * three questions have not been, and holds no more than SEND_BUFFER_BYTES for it. False where that cannot be set.
 */
export function limitSockets(deadAfterMs: number): boolean {
  if (process.platform !== 'linux') return false;
  const libc = openLibrary();
  if (!libc) return false;
  const value = new Int32Array(1);
  const length = new Uint32Array(1);
  const isListening = (fd: number): boolean => {
    length[0] = 4;
    const answer = libc.getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, ptr(value), ptr(length));
    return answer === 0 && value[0] === 1;
  };
  const set = (fd: number, [level, option, to]: readonly [number, number, number]): boolean => {
    value[0] = to;
    return libc.setsockopt(fd, level, option, ptr(value), 4) === 0;
  };
  const options = [
    [SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_BYTES],
    [SOL_SOCKET, SO_KEEPALIVE, 1],
    [IPPROTO_TCP, TCP_KEEPIDLE, ASK_AFTER],
    [IPPROTO_TCP, TCP_KEEPINTVL, ASK_EVERY],
    [IPPROTO_TCP, TCP_KEEPCNT, 3],
    [IPPROTO_TCP, TCP_USER_TIMEOUT, deadAfterMs],
  ] as const;
  const listening = Array.from({ length: LIKELY_DESCRIPTORS }, (_, fd) => fd).filter(isListening);
  return listening.filter((fd) => options.every((one) => set(fd, one))).length > 0;
}

function openLibrary() {
  for (const name of LIBRARIES) {
    try {
      return dlopen(name, {
        getsockopt: { args: ['int', 'int', 'int', 'ptr', 'ptr'], returns: 'int' },
        setsockopt: { args: ['int', 'int', 'int', 'ptr', 'u32'], returns: 'int' },
      }).symbols;
    } catch {
      // Another C library is named otherwise.
      continue;
    }
  }
  return null;
}
