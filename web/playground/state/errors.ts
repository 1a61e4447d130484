// The words to each error code, from /errors: asked for when the first error is shown.
import { signal } from '@preact/signals';

export interface ErrorWords {
  readonly code: string;
  readonly title: string;
  readonly description: string;
  readonly remediation: string;
}

/** The client's own codes are in no catalogue of the gateway. */
const OWN: readonly ErrorWords[] = [
  {
    code: 'network_error',
    title: 'Not reached',
    description: 'The gateway did not answer, or something else answered in its place.',
    remediation: 'Look whether the gateway runs and the network is up, then try again.',
  },
  {
    code: 'answer_changed',
    title: 'The answer changed',
    description: 'The answer that the gateway has kept is another than the one that was begun.',
    remediation: 'Load the page again to see the one that was kept.',
  },
];

export const errorWords = signal<ReadonlyMap<string, ErrorWords>>(
  new Map(OWN.map((words) => [words.code, words])),
);
let isAsked = false;

export async function loadErrorWords(): Promise<void> {
  if (isAsked) return;
  isAsked = true;
  try {
    const response = await fetch('/errors');
    const { entries } = (await response.json()) as { entries: readonly ErrorWords[] };
    errorWords.value = new Map([...OWN, ...entries].map((words) => [words.code, words]));
  } catch (cause) {
    // The message and the code are shown all the same.
    console.info('the error catalogue could not be loaded', cause);
    isAsked = false;
  }
}
