// What an answer is to the demo engine, and what a skill gets to see of the conversation. A skill either knows the
// answer or returns undefined, and never guesses.

import type { Json } from '../json.ts';
import type { Fact } from './facts.ts';

export interface Answer {
  /** A full sentence. */
  readonly text: string;
  /** The answer by itself, for a user who asked for one word. */
  readonly short?: string;
  /** The answer's parts by name: what JSON fields are filled from. `answer` is the gist. */
  readonly values?: Readonly<Record<string, Json>>;
}

export interface Dialogue {
  /** The last user message. */
  readonly question: string;
  /** The user messages before it, oldest first. */
  readonly earlier: readonly string[];
  /** What the user has stated in any of these messages. */
  readonly facts: ReadonlyMap<string, Fact>;
  /** The images of the last user message. */
  readonly images: readonly string[];
  /** The images of the last earlier message that had any. */
  readonly earlierImages: readonly string[];
}

export type Skill = (dialogue: Dialogue) => Answer | undefined;

/** The parts of several answers; the later ones win. */
export function joinedValues(answers: readonly Answer[]): Record<string, Json> {
  return Object.fromEntries(answers.flatMap(({ values }) => Object.entries(values ?? {})));
}
