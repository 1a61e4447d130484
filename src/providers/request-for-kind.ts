// What single kinds of upstream want otherwise although they speak OpenAI's wire. Only the member in question is
// spliced; every other byte of the request stays the client's.
import { parseDocument, memberText, type JsonDocument } from '../json/document.ts';
import { withMembers, type Changes } from '../json/splice.ts';
import type { ChatCall, Target } from './provider.ts';
import { refuseUnsupported } from './ollama/unsupported.ts';

interface KindRequest {
  readonly body: string;
  readonly bytes?: readonly Uint8Array[] | undefined;
  /** None where absent; the same object for the same target. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** A member that may have to change, and what becomes of it. */
interface Wish {
  /** Without this in its text a request need not be looked at. */
  readonly key: string;
  /** Which targets it concerns; all of the kind where absent. Asked before a long prompt is parsed once more. */
  concerns?(target: Target): boolean;
  changes(document: JsonDocument, target: Target): Changes;
}

/** Reasoning models of OpenAI: `gpt-5.5-pro`, `o3-mini`, `openai/gpt-5`; on Azure as part of a deployment's name. */
const REASONING_MODEL = /(?:^|[^a-z\d])(?:gpt-?(?:[5-9]|[12]\d)(?!\d)|o[1-9](?![a-z\d]))/i;

/** They refuse `max_tokens`, and take the newer name of it. */
const RENAMED_LIMIT: Wish = {
  key: '"max_tokens"',
  concerns: ({ model }) => REASONING_MODEL.test(model),
  changes(document) {
    const limit = memberText(document, 'max_tokens');
    const isNamed = document.value['max_completion_tokens'] !== undefined;
    return limit === undefined || isNamed
      ? { max_tokens: null }
      : { max_tokens: null, max_completion_tokens: limit };
  },
};

/** They know the older name alone, and would let an answer run on. */
const OLD_LIMIT: Wish = {
  key: '"max_completion_tokens"',
  changes(document) {
    const limit = memberText(document, 'max_completion_tokens');
    return limit === undefined || limit === 'null' ? {} : { max_tokens: limit };
  },
};

/** Ollama's OpenAI-compatible API leaves out what it does not know, and so shows tools that must not be called. */
const NO_TOOL_CHOICE: Wish = {
  key: '"tool_choice"',
  changes: ({ value }) =>
    value['tool_choice'] === 'none' ? { tools: null, tool_choice: null } : { tool_choice: null },
};

/** OpenRouter has nothing drawn that was not asked for, and refuses to be asked for more than a model gives. */
const DRAWN: Wish = {
  key: '"messages"',
  concerns: ({ outputModalities }) => outputModalities?.includes('image') === true,
  changes({ value }, { outputModalities = [] }) {
    const kinds = ['image', 'text'].filter((kind) => outputModalities.includes(kind));
    return value['modalities'] === undefined ? { modalities: JSON.stringify(kinds) } : {};
  },
};

const WISHES: Readonly<Record<string, readonly Wish[]>> = {
  openai: [RENAMED_LIMIT],
  azure: [RENAMED_LIMIT],
  lmstudio: [OLD_LIMIT],
  ollama: [OLD_LIMIT, NO_TOOL_CHOICE],
  openrouter: [DRAWN],
};

/** Headers that a kind should get unless the operator sets them: OpenRouter shows who its calls come from. */
const HEADERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  openrouter: { 'x-title': 'DGX LLM Chat Gateway' },
};

/** The request for this target; `modality_not_supported` for what its kind would leave out in silence. */
export function requestForKind(
  call: Pick<ChatCall, 'body' | 'bytes'>,
  target: Target,
): KindRequest {
  const all = WISHES[target.kind];
  // Of most kinds nothing is wanted.
  if (!all && !HEADERS[target.kind]) return call;
  const { body, bytes } = call;
  const wishes = (all ?? []).filter(
    ({ key, concerns }) => (concerns?.(target) ?? true) && body.includes(key),
  );
  const headers = missingHeaders(target);
  if (target.kind !== 'ollama' && wishes.length === 0) return { body, bytes, headers };
  const document = parseDocument(body);
  if (target.kind === 'ollama') refuseUnsupported(document.value);
  const changes = Object.assign(
    {},
    ...wishes.map((wish) => wish.changes(document, target)),
  ) as Changes;
  return { body: withMembers(body, document.members, changes), headers };
}

/** Found once for each target. */
const missing = new WeakMap<Target, Readonly<Record<string, string>>>();

function missingHeaders(target: Target): Readonly<Record<string, string>> | undefined {
  const wanted = HEADERS[target.kind];
  if (!wanted) return undefined;
  const known = missing.get(target);
  if (known) return known;
  const set = new Set(Object.keys(target.headers).map((name) => name.toLowerCase()));
  const found = Object.fromEntries(Object.entries(wanted).filter(([name]) => !set.has(name)));
  missing.set(target, found);
  return found;
}
