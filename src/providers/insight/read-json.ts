// Reads what engines say in JSON. Nothing here throws: whatever is not as expected is left out.
import { MAX_LISTED_MODELS, MAX_NAME_CHARS } from '../../domain/limits.ts';
import { isObject } from '../../json/document.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The object or list in `text`; null for a page, half a body, or nothing. */
export function parseReply(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return null;
  }
}

/** A member of a value that should be an object; undefined where it is none. */
export function memberOf(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** The objects of a value that should be a list of them, as many as are of use. */
export function entriesOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.slice(0, MAX_LISTED_MODELS).filter(isObject) : [];
}

export function nameIn(value: unknown): string | null {
  return typeof value === 'string' && value !== '' && value.length <= MAX_NAME_CHARS ? value : null;
}

/** A number of tokens; engines say 0 or -1 for "not known". */
export function tokensIn(value: unknown): number | null {
  return Number.isSafeInteger(value) && Number(value) > 0 ? Number(value) : null;
}

export interface ListedModel {
  readonly id: string;
  /** Tokens of prompt and answer together, where the list says so. */
  readonly contextTokens: number | null;
  readonly entry: Fields;
}

/** An OpenAI list of models; null when it is none. vLLM and SGLang say max_model_len, llama.cpp meta.n_ctx. */
export function readModels(text: string | null): ListedModel[] | null {
  const data = memberOf(parseReply(text), 'data');
  if (!Array.isArray(data)) return null;
  return entriesOf(data).flatMap((entry) => {
    const id = nameIn(entry['id']);
    if (id === null) return [];
    const tokens =
      tokensIn(entry['max_model_len']) ??
      tokensIn(memberOf(entry['meta'], 'n_ctx')) ??
      tokensIn(entry['context_length']);
    return [{ id, contextTokens: tokens, entry }];
  });
}

/** The contexts of a list; null when it names none. */
export function contextsOf(
  models: readonly Pick<ListedModel, 'id' | 'contextTokens'>[] | null,
): ReadonlyMap<string, number> | null {
  const known = new Map<string, number>();
  for (const { id, contextTokens } of models ?? [])
    if (contextTokens !== null) known.set(id, contextTokens);
  return known.size > 0 ? known : null;
}
