// The pieces of Gemini's wire that requests and replies share.

export type Part = Readonly<Record<string, unknown>>;

export interface Content {
  readonly role?: 'user' | 'model';
  readonly parts: readonly Part[];
}

/** A request in OpenAI's form, parsed. */
export type ChatRequest = Readonly<Record<string, unknown>>;

/** JSON's null is an absent value to OpenAI. */
export function given(value: unknown): boolean {
  return value !== undefined && value !== null;
}
