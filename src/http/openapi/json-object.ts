// A piece of the document: JSON Schema 2020-12, or any other object in it.

export type JsonObject = { [member: string]: unknown };
