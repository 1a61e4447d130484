// An answer that is JSON and nothing else, as JSON mode gives it: shown as code, in lines once it is whole.

/** Longer ones stay as they came. */
const LONGEST = 100_000;
const BEGINS = /^\s*(?:\{\s*["}]|\[\s*[[{"\d\]])/;

/** The JSON to show, or null where the answer is something else. */
export function jsonAnswer(text: string, isWhole: boolean): string | null {
  if (text.length > LONGEST || !BEGINS.test(text)) return null;
  if (!isWhole) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // It only began like JSON, or was cut off.
    return null;
  }
}
