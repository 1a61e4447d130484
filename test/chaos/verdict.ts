// What must hold of every request, whatever happens to the targets.
import type { Ask, KeptTurn, Told } from './ask.ts';
import { wordsOf, type ChaosTarget } from './target.ts';

export type Outcome =
  | 'answered'
  /** The target that was speaking had been made faulty. */
  | 'failed after the commit'
  /** It failed at a time when no single target was healthy from its beginning to its end. */
  | 'nobody could have answered'
  /** It failed while the targets' own process was kept from running: they were late although they are healthy. */
  | 'the machine was late';

export interface Judged {
  readonly outcome: Outcome;
  readonly violations: readonly string[];
}

export interface Case {
  readonly ask: Ask;
  readonly told: Told;
  /** Of /c1. */
  readonly kept: KeptTurn | null;
  /** A target that was healthy from before the request was sent until after its end. */
  readonly healthy: ChaosTarget | undefined;
  readonly wasLate: boolean;
  readonly targets: readonly ChaosTarget[];
}

export function judge({ ask, told, kept, healthy, wasLate, targets }: Case): Judged {
  const violations: string[] = [];
  const fault = (what: string) =>
    violations.push(`${ask.form.api} ${ask.form.stream ? 'stream' : 'whole'} ${ask.mark}: ${what}`);
  if (told.malformed !== null) fault(told.malformed);
  if (kept) judgeTurn({ ask, told, kept }, fault);
  // A whole reply of /c1 is a stream that the gateway reads: what was kept of it has been seen in that sense.
  const said = told.text === '' && kept ? kept.text : told.text;
  const speaker = targets.find(({ name }) => said.startsWith(`${name}.`));
  if (said !== '') {
    const whole = speaker ? wordsOf(speaker.name, ask.mark).join('') : 'the words of a target';
    if (told.error === null ? said !== whole : !whole.startsWith(said) || said === '')
      fault(`says ${JSON.stringify(said)} instead of ${JSON.stringify(whole)}`);
    if (told.upstream !== speaker?.name)
      fault(`comes from ${speaker?.name} and names ${told.upstream}`);
  }
  if (told.error === null) {
    if (said === '') fault('is an empty answer');
    return { outcome: 'answered', violations };
  }
  if (speaker) {
    const isSpoiled = speaker.hasSpoiled(ask.mark);
    if (!isSpoiled && wasLate) return { outcome: 'the machine was late', violations };
    if (!isSpoiled)
      fault(`failed with ${told.error} in mid-answer of ${speaker.name}, which did nothing to it`);
    return { outcome: 'failed after the commit', violations };
  }
  if (!healthy) return { outcome: 'nobody could have answered', violations };
  if (wasLate) return { outcome: 'the machine was late', violations };
  fault(`failed with ${told.error} although ${healthy.name} could have answered`);
  return { outcome: 'nobody could have answered', violations };
}

/** One terminal state, the one that the client was told, with the text that the client was told. */
function judgeTurn(
  { ask, told, kept }: Pick<Case, 'ask' | 'told'> & { kept: KeptTurn },
  fault: (what: string) => void,
): void {
  const expected = told.error === null ? 'completed' : 'failed';
  if (kept.status !== expected)
    fault(`ended with ${told.error ?? 'an answer'}, and its turn is ${kept.status}`);
  const wasTold = ask.form.stream || told.error === null;
  if (wasTold && kept.text !== told.text)
    fault(`said ${JSON.stringify(told.text)}, and its turn keeps ${JSON.stringify(kept.text)}`);
}
