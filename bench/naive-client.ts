// A client of /v1 as many are: it keeps the history in its own database, and sends it again from there. New text goes
// out as it was typed; older text as the database gives it back.
import { SYSTEM, TOOLS, type Asked } from './texts.ts';

export interface Counts {
  readonly prompt: number;
  readonly cached: number;
}

export interface NaiveHabits {
  /** The time of day at the end of the system prompt, by the minute. */
  readonly clock: boolean;
}

interface ToolCall {
  readonly id: string;
  readonly function: { readonly name: string; readonly arguments: string };
}

interface Reply {
  readonly choices: readonly [{ readonly message: Message }];
  readonly usage: {
    readonly prompt_tokens: number;
    readonly prompt_tokens_details?: { readonly cached_tokens?: number };
  };
}

interface Message {
  readonly role: string;
  readonly content: string | null;
  readonly tool_calls?: readonly ToolCall[];
  readonly tool_call_id?: string;
}

/** Posts a body to /v1 and resolves to the reply. */
export type Post = (body: object) => Promise<unknown>;

export function createNaiveClient(post: Post, { clock }: NaiveHabits) {
  let stored: readonly Message[] = [];
  let minute = 0;
  return {
    async ask({ text, toolResult }: Asked): Promise<Counts> {
      // One turn a minute.
      const now = `2026-11-23 09:${String(++minute).padStart(2, '0')}`;
      const content = clock ? `${SYSTEM}\nCurrent time: ${now}` : SYSTEM;
      const callId = stored.at(-1)?.tool_calls?.[0]?.id;
      const typed: Message[] = [
        ...(toolResult !== undefined && callId !== undefined
          ? [{ role: 'tool', tool_call_id: callId, content: toolResult }]
          : []),
        { role: 'user', content: text },
      ];
      const messages = [{ role: 'system', content }, ...stored, ...typed];
      const { choices, usage } = (await post({ messages, tools: TOOLS })) as Reply;
      stored = [...stored, ...typed.map(asStored), asStored(choices[0].message)];
      return {
        prompt: usage.prompt_tokens,
        cached: usage.prompt_tokens_details?.cached_tokens ?? 0,
      };
    },
  };
}

/** What such a database gives back: texts trimmed, JSON as its own parser and writer see it. */
function asStored({ content, tool_calls, ...message }: Message): Message {
  return {
    ...message,
    content: content === null ? null : reencoded(content.trim()),
    ...(tool_calls
      ? {
          tool_calls: tool_calls.map((call) => ({
            ...call,
            function: { ...call.function, arguments: reencoded(call.function.arguments) },
          })),
        }
      : {}),
  };
}

/** JSON as a jsonb column gives it back: shorter keys first, one space after colons and commas. */
function reencoded(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text;
  }
  return typeof value === 'object' && value !== null ? spaced(value) : text;
}

function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).toSorted(
    ([a], [b]) => a.length - b.length || (a < b ? -1 : 1),
  );
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}: ${spaced(member)}`).join(', ')}}`;
}
