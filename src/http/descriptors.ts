// How near the process is to the end of its file descriptors. Every connection takes one, and a request whose upstream
// cannot be connected to is lost: so some are kept back for upstreams, by closing connections on which nothing is
// asked, and by refusing work while that does not help. One open and close tells: the kernel gives out the lowest.
import { closeSync, openSync, readFileSync } from 'node:fs';
import { DESCRIPTOR_PERIOD_MS, KEPT_BACK_DESCRIPTORS } from '../domain/limits.ts';

export interface DescriptorWatch {
  /** Whether there are hardly any left. */
  areScarce(): boolean;
  /** Calls `relieve` again and again while they are scarce. */
  whileScarce(relieve: () => void): void;
  close(): void;
}

/** `onScarce` is told once each time that they get scarce. */
export function watchDescriptors(onScarce: (limit: number) => void): DescriptorWatch {
  const limit = softLimit();
  const reliefs: (() => void)[] = [];
  let scarce = false;
  const timer = setInterval(() => {
    const was = scarce;
    scarce = lowestFree() >= limit - Math.min(KEPT_BACK_DESCRIPTORS, limit / 4);
    if (!scarce) return;
    if (!was) onScarce(limit);
    for (const relieve of reliefs) relieve();
  }, DESCRIPTOR_PERIOD_MS);
  timer.unref();
  return {
    areScarce: () => scarce,
    whileScarce: (relieve) => void reliefs.push(relieve),
    close: () => clearInterval(timer),
  };
}

function lowestFree(): number {
  try {
    const descriptor = openSync('/dev/null', 'r');
    closeSync(descriptor);
    return descriptor;
  } catch {
    // There is none left, which is the answer.
    return Number.POSITIVE_INFINITY;
  }
}

/** The most that the process may have; no limit where that cannot be read. */
function softLimit(): number {
  if (process.platform !== 'linux') return Number.POSITIVE_INFINITY;
  const found = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return found === undefined ? Number.POSITIVE_INFINITY : Number(found);
}
