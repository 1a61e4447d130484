// A content block of the Messages API as JSON text: what a client or a model wrote is not read and written again, and
// the same message always comes out as the same bytes.

/** JSON text of an object that can end a cached prefix. */
export interface Markable {
  /** Without cache_control. */
  readonly json: string;
  /** JSON text of its cache_control, where it has one. */
  readonly mark?: string;
}

export interface Block extends Markable {
  readonly type: string;
}

export function blockOf(value: {
  readonly type: string;
  readonly [member: string]: unknown;
}): Block {
  return { type: value.type, json: JSON.stringify(value) };
}

/** The block with the cache_control that a client gave it, if it did. */
export function withMarkOf<T extends Markable>(block: T, source: { cache_control?: unknown }): T {
  const { cache_control: mark } = source;
  if (mark === undefined || mark === null) return block;
  return { ...block, mark: JSON.stringify(mark) };
}

/** The list that is sent. The mark comes last, so that moving it changes no other byte. */
export function listJson(items: readonly Markable[]): string {
  const texts = items.map(({ json, mark }) =>
    mark === undefined ? json : `${json.slice(0, -1)},"cache_control":${mark}}`,
  );
  return `[${texts.join(',')}]`;
}
