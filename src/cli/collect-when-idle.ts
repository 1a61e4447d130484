// Memory after the rush: the runtime collects what was used up when it needs room, and who is asked nothing needs none.
// So once nothing has been served for a while, and memory has grown, it is told to.

export interface IdleDeps {
  /** Requests and turns that are being served. */
  openWork(): number;
  residentBytes(): number;
  /** Takes some tens of milliseconds, in which nobody is served. */
  collect(): void;
}

/** Between two looks. */
const LOOK_MS = 5_000;

/** So many looks in a row have to find nothing being served. */
const QUIET_LOOKS = 2;

/** What memory may have grown by since the last time without its being worth the while. */
const GROWTH = 1.1;

export interface IdleCollector {
  look(): void;
  close(): void;
}

export function collectWhenIdle({ openWork, residentBytes, collect }: IdleDeps): IdleCollector {
  let settledBytes = residentBytes();
  let quietLooks = 0;

  function look(): void {
    quietLooks = openWork() === 0 ? quietLooks + 1 : 0;
    if (quietLooks < QUIET_LOOKS || residentBytes() < GROWTH * settledBytes) return;
    collect();
    settledBytes = residentBytes();
    quietLooks = 0;
  }

  const timer = setInterval(look, LOOK_MS);
  timer.unref();
  return { look, close: () => clearInterval(timer) };
}
