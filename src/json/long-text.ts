// JSON on its way out: a text, or, where it is long, parts of its UTF-8 that were never put together.

export type JsonText = string | LongText;

interface LongTextOptions {
  /** Whether the object may have a member of this name. */
  mayHave(key: string): boolean;
  /** The text, where it is at hand. */
  readonly text?: string;
}

/** The text of a JSON object. */
export class LongText {
  readonly parts: readonly Uint8Array[];
  readonly mayHave: (key: string) => boolean;
  readonly #text: string | undefined;

  constructor(parts: readonly Uint8Array[], { mayHave, text }: LongTextOptions) {
    this.parts = parts;
    this.mayHave = mayHave;
    this.#text = text;
  }

  toString(): string {
    return this.#text ?? Buffer.concat(this.parts).toString();
  }
}

export function partsOf(json: JsonText): readonly Uint8Array[] {
  return typeof json === 'string' ? [Buffer.from(json)] : json.parts;
}

/** Whether an object may have a member of this name; true also where the name stands somewhere else in it. */
export function mayHave(json: JsonText, key: string): boolean {
  return typeof json === 'string' ? json.includes(`"${key}"`) : json.mayHave(key);
}
