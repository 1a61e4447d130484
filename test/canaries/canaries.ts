// The canaries: texts that stand nowhere else, each for something that must stay where it belongs.

export const KINDS = ['openai', 'anthropic', 'gemini', 'azure', 'ollama', 'openrouter'] as const;

export const TOKEN = 'canary-token-7c1f';

export const keyOf = (kind: string) => `canary-key-${kind}-5a2b`;

/** What nobody may ever be told, and no file may hold. */
export const SECRETS = {
  token: TOKEN,
  ...Object.fromEntries(KINDS.map((kind) => [`key of ${kind}`, keyOf(kind)])),
  'header of an upstream': 'canary-upstream-header-91d0',
  'header of the collector': 'canary-collector-header-77ab',
  'wrong token': 'canary-wrong-token-33ee',
  'wrong key': 'canary-wrong-key-b7a8',
  'basic credentials': Buffer.from('user:canary-basic-12aa').toString('base64'),
  cookie: 'canary-cookie-4f4f',
  'header of a client': 'canary-client-header-8e21',
  'query of a client': 'canary-query-6d6d',
};

/** What belongs to whoever said it, and to no log and no figure. */
export const WORDS = {
  prompt: 'canary-prompt-a0a1',
  system: 'canary-system-b0b1',
  answer: 'canary-answer-c0c1',
  reasoning: 'canary-reasoning-d0d1',
  'argument of a tool': 'canary-argument-e0e1',
  'result of a tool': 'canary-result-f0f1',
  'member that is carried': 'canary-member-a2a3',
  'end user': 'canary-user-b2b3',
  title: 'canary-title-c2c3',
  'idempotency key': 'canary-idempotency-d2d3',
  search: 'canary-search-e2e3',
  'broken body': 'canary-broken-a4a5',
  // A parser quotes it.
  'broken word': 'canarybrokenword',
};

/** A model that there is not is logged, as far as a name goes. */
export const MODEL = `canary-model-${'m'.repeat(300)}`;

/** Which of these are in a text. */
export function foundIn(text: string, canaries: Readonly<Record<string, string>>): string[] {
  return Object.entries(canaries)
    .filter(([, canary]) => text.includes(canary))
    .map(([name]) => name);
}
