// What becomes of the process when an error reaches nobody. A promise that failed unheard has harmed one piece of work:
// it is logged and counted, and a thousand running answers go on. An exception that nobody caught may have left
// anything half done: running answers get their time to end, as after a signal, and the process ends with a failure.
import type { Probe } from '../observe/probe.ts';

export interface Faults {
  /** Whether the process ends because of one. */
  fatal(): boolean;
}

export function outliveFaults(probe: Pick<Probe, 'strayError'>, onFatal: () => void): Faults {
  let isFatal = false;
  process.on('unhandledRejection', (reason) => probe.strayError(reason, false));
  process.on('uncaughtException', (error) => {
    probe.strayError(error, !isFatal);
    isFatal = true;
    onFatal();
  });
  return { fatal: () => isFatal };
}
