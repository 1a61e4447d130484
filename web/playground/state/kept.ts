// What outlives a reload, in the tab's sessionStorage: what was chosen, and the turns that were on their way.
import type { rememberedBody } from '../request/body.ts';
import type { Settings } from '../request/settings.ts';

type RememberedBody = ReturnType<typeof rememberedBody>;

const CHOICES = 'gateway-playground';
const TURNS = 'gateway-turns';

interface Choices {
  readonly mode: 'c1' | 'v1';
  readonly model: string;
  readonly settings: Partial<Settings>;
}

export function restored(): Choices {
  const kept = read(CHOICES) as Partial<Choices> | null;
  return {
    mode: kept?.mode === 'v1' ? 'v1' : 'c1',
    model: kept?.model ?? '',
    settings: kept?.settings ?? {},
  };
}

export function keepChoices(choices: Choices): void {
  write(CHOICES, choices);
}

/** A turn that was begun and has not been seen to end. */
export interface RunningTurn {
  /** Its idempotency key. */
  readonly key: string;
  readonly conversationId: string | null;
  /** Null until the gateway has named it: then the key and the body lead to it. */
  readonly turnId: string | null;
  readonly body: RememberedBody | null;
}

const MOST_TURNS = 8;

export function keepTurn(turn: RunningTurn): void {
  // Once it has a name, the name is enough; pictures would fill the storage.
  const kept = turn.turnId === null ? turn : { ...turn, body: null };
  write(TURNS, [...others(turn.key), kept].slice(-MOST_TURNS));
}

/** The one that runs in a conversation, or null for a conversation that had no id yet. */
export function keptTurn(conversationId: string | null): RunningTurn | null {
  return keptTurns().find((turn) => turn.conversationId === conversationId) ?? null;
}

export function forgetTurn(key: string): void {
  write(TURNS, others(key));
}

function others(key: string): RunningTurn[] {
  return keptTurns().filter((turn) => turn.key !== key);
}

function keptTurns(): readonly RunningTurn[] {
  return (read(TURNS) as readonly RunningTurn[] | null) ?? [];
}

/** All of it, when somebody signs out. */
export function forgetAll(): void {
  sessionStorage.removeItem(TURNS);
  sessionStorage.removeItem(CHOICES);
}

function read(key: string): unknown {
  const text = sessionStorage.getItem(key);
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    // Another version of the page wrote it: begin anew.
    sessionStorage.removeItem(key);
    return null;
  }
}

function write(key: string, value: unknown): void {
  try {
    sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // It is full, of pictures most likely: then a reload knows less.
    sessionStorage.removeItem(key);
  }
}
