// What can be wrong with a target, and what that does to a call that comes in meanwhile.
import type { Random } from '../harness/random.ts';

export type Fault =
  /** Its listener and all of its connections are gone. */
  | 'killed'
  /** Nothing of it moves, what runs included, as under SIGSTOP; what is left goes on afterwards. */
  | 'frozen'
  | 'silent before the head'
  | 'silent before the first token'
  | 'silent in mid-answer'
  | 'flooded'
  | 'flooded, back in a second'
  | 'flooded, back in ten seconds'
  | 'answering 500'
  | 'cutting connections'
  | 'breaking off';

export const FAULTS: readonly Fault[] = [
  'killed',
  'frozen',
  'silent before the head',
  'silent before the first token',
  'silent in mid-answer',
  'flooded',
  'flooded, back in a second',
  'flooded, back in ten seconds',
  'answering 500',
  'cutting connections',
  'breaking off',
];

/** Where in an answer something happens. */
export type Place = 'head' | 'first token' | 'middle';

export type Trap =
  | { readonly does: 'refuse'; readonly status: number; readonly headers: Record<string, string> }
  | { readonly does: 'hang' | 'reset' | 'end' | 'report'; readonly at: Place };

/** What becomes of a call under this fault; null for nothing (a frozen target's calls wait where they are). */
export function trapOf(fault: Fault, random: Random): Trap | null {
  const at = random.pick<Place>(['head', 'first token', 'middle']) ?? 'middle';
  switch (fault) {
    case 'killed':
      return { does: 'reset', at: 'head' };
    case 'frozen':
      return null;
    case 'silent before the head':
      return { does: 'hang', at: 'head' };
    case 'silent before the first token':
      return { does: 'hang', at: 'first token' };
    case 'silent in mid-answer':
      return { does: 'hang', at: 'middle' };
    case 'flooded':
      return { does: 'refuse', status: 429, headers: {} };
    case 'flooded, back in a second':
      return { does: 'refuse', status: 429, headers: { 'retry-after': '1' } };
    case 'flooded, back in ten seconds':
      return { does: 'refuse', status: 429, headers: { 'retry-after': '10' } };
    case 'answering 500':
      return { does: 'refuse', status: 500, headers: {} };
    case 'cutting connections':
      return { does: random.chance(0.5) ? 'reset' : 'end', at };
    case 'breaking off':
      return { does: 'report', at };
    default:
      return fault satisfies never;
  }
}
