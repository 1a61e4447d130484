// JSON on its way out: a text, or, where it is long, parts of its UTF-8 that were never put together.

export type JsonText = string | LongText;

/** The text of a JSON object. */
export class LongText {
  readonly parts: readonly Uint8Array[];
  /** Whether it may have a member of this name. */
  readonly mayHave: (key: string) => boolean;

  constructor(parts: readonly Uint8Array[], mayHave: (key: string) => boolean) {
    this.parts = parts;
    this.mayHave = mayHave;
  }
}

export function textOf(json: JsonText): string {
  return typeof json === 'string' ? json : Buffer.concat(json.parts).toString();
}

export function partsOf(json: JsonText): readonly Uint8Array[] {
  return typeof json === 'string' ? [Buffer.from(json)] : json.parts;
}

/** Whether an object may have a member of this name; true also where the name stands somewhere else in it. */
export function mayHave(json: JsonText, key: string): boolean {
  return typeof json === 'string' ? json.includes(`"${key}"`) : json.mayHave(key);
}
