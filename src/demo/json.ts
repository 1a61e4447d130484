// What a parsed JSON value is, and the two questions that the demo engine keeps asking of one.
// Requests, schemas and replies are all read through these, so that nothing is taken for what it is not.

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [member: string]: Json;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value as a list: itself when it is one, else nothing. `Array.isArray` alone loses the element type. */
export function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}
