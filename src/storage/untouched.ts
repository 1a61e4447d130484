// Which conversations nobody has touched since a turn was accepted for them, but that turn's own end: what this process
// knows of such a one still holds. Its own writes count in the row's `rev`; those of other processes show in SQLite's
// data_version, which changes with every commit that another connection made, whatever it was about.
import type { Database } from 'bun:sqlite';
import { MAX_WATCHED_CONVERSATIONS } from '../domain/limits.ts';

export interface Untouched {
  /** Of a conversation as it is in the transaction that asks. */
  isSince(turnId: string, conversation: { readonly id: string; readonly rev: number }): boolean;
  /** A turn is accepted with this, which leaves the row at `rev`. */
  note(turnId: string, conversation: { readonly id: string; readonly rev: number }): void;
  forget(conversation: string): void;
}

interface Mark {
  readonly turnId: string;
  readonly rev: number;
  readonly version: number;
}

/** `version` is only comparable on one connection: a new one begins with knowing nothing. */
export function createUntouched(db: Database): Untouched {
  const version = db.prepare<{ data_version: number }, []>('PRAGMA data_version');
  const current = () => version.get()?.data_version ?? Number.NaN;
  // Oldest use first.
  const marks = new Map<string, Mark>();
  return {
    isSince(turnId, { id, rev }) {
      const mark = marks.get(id);
      // The end of the turn is the one change.
      return mark?.turnId === turnId && rev === mark.rev + 1 && mark.version === current();
    },
    note(turnId, { id, rev }) {
      marks.delete(id);
      marks.set(id, { turnId, rev, version: current() });
      if (marks.size <= MAX_WATCHED_CONVERSATIONS) return;
      for (const [oldest] of marks) {
        marks.delete(oldest);
        break;
      }
    },
    forget: (id) => void marks.delete(id),
  };
}
