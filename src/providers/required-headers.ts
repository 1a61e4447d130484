// Headers that a kind of upstream wants with every request, chat or probe, beside the gateway's key.

const REQUIRED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // Not the newest (2026-10-21): that one refuses `temperature` and `top_p` for every model, this one for the new.
  anthropic: { 'anthropic-version': '2023-06-01' },
};

/** What the operator has configured under the same name goes before these. */
export function requiredHeaders(kind: string): Readonly<Record<string, string>> {
  return REQUIRED[kind] ?? {};
}
