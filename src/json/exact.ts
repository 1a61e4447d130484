// JSON whose numbers keep their digits when it is written again: integers beyond 2^53, 1.0, 1e400.

declare global {
  interface JSON {
    /** A primitive that JSON.stringify writes as this text (ECMAScript's proposal-json-parse-with-source). */
    rawJSON(text: string): object;
  }
}

/** JSON.parse for what is only passed on: a number that would come out otherwise is an opaque object. */
export function parseExact(text: string): unknown {
  return JSON.parse(text, keepDigits);
}

function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  return typeof value === 'number' && source !== undefined && source !== String(value)
    ? JSON.rawJSON(source)
    : value;
}
