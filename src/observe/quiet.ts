// Whether nobody has asked anything for a while: then the process gives back what it holds only to be quick. It is
// looked at from time to time, so that no request pays for it.
import type { Clock } from '../domain/clock.ts';
import { QUIET_LOOK_MS, QUIET_MS } from '../domain/limits.ts';

export interface QuietOptions {
  readonly clock: Pick<Clock, 'elapsed'>;
  /** When the last request ended, in the clock's milliseconds; null before the first. */
  lastAskedAt(): number | null;
  /** Whether something is being served, be it for nobody. */
  isBusy(): boolean;
  /** Once for each time that it gets quiet after a request. */
  onQuiet(): void;
}

/** Looks once. */
export function createQuietLook({ clock, lastAskedAt, isBusy, onQuiet }: QuietOptions): () => void {
  let quietSince: number | null = null;
  return () => {
    const askedAt = lastAskedAt();
    if (askedAt === quietSince || askedAt === null) return;
    if (isBusy() || clock.elapsed() - askedAt < QUIET_MS) return;
    quietSince = askedAt;
    onQuiet();
  };
}

/** Looks until closed. */
export function watchQuiet(options: QuietOptions): { close(): void } {
  const timer = setInterval(createQuietLook(options), QUIET_LOOK_MS);
  timer.unref();
  return { close: () => clearInterval(timer) };
}
