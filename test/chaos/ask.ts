// One request of the chaos run, on either API, streamed or not, and what its client is told of it.
import { errorOf, framesOf, joinedText, shownTurn } from '../harness/c1.ts';
import type { GatewayProcess } from '../harness/gateway.ts';
import { endOf } from '../harness/v1.ts';

/** Far beyond what any request may take: one that needs it has hung. */
const PATIENCE_MS = 20_000;

export interface Form {
  readonly api: 'v1' | 'c1';
  readonly stream: boolean;
}

export interface Ask {
  readonly form: Form;
  readonly model: string;
  readonly mark: string;
  /** Of /c1: to be gone on with. */
  readonly conversation: string | null;
}

export interface Told {
  /** What the client has of the answer. */
  readonly text: string;
  /** The code of the error that ended it; null where it was completed. */
  readonly error: string | null;
  /** What is wrong with the form of the reply itself. */
  readonly malformed: string | null;
  readonly upstream: string | null;
  readonly attempts: number;
  readonly turn: string | null;
  readonly conversation: string | null;
}

/** Rejects when the gateway hangs or its connection breaks. */
export async function ask(
  gateway: GatewayProcess,
  { form, model, mark, conversation }: Ask,
): Promise<Told> {
  const { api, stream } = form;
  const path = api === 'v1' ? '/v1/chat/completions' : '/c1/chat';
  const question =
    api === 'v1'
      ? { messages: [{ role: 'user', content: mark }] }
      : { message: mark, ...(conversation === null ? {} : { conversation_id: conversation }) };
  const response = await gateway.request(path, {
    body: { model, stream, ...question },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const { headers } = response;
  const told = {
    upstream: headers.get('x-gateway-upstream'),
    attempts: Number(headers.get('x-gateway-attempts') ?? 0),
    turn: headers.get('x-turn-id'),
    conversation: headers.get('x-conversation-id'),
  };
  if (!response.ok) {
    const { code } = await errorOf(response);
    return { ...told, text: '', error: code, malformed: null };
  }
  if (stream) return { ...told, ...readStream(await response.text()) };
  const { choices } = (await response.json()) as { choices: [{ message: { content: string } }] };
  return { ...told, text: choices[0].message.content, error: null, malformed: null };
}

function readStream(text: string): Pick<Told, 'text' | 'error' | 'malformed'> {
  const frames = framesOf(text);
  const words = frames.filter(({ data }) => !data.startsWith('{"error":'));
  return { text: joinedText(words), ...endOf(frames) };
}

export interface KeptTurn {
  readonly status: string;
  readonly text: string;
}

/** What the gateway remembers of a turn. */
export async function keptTurn(gateway: GatewayProcess, turn: string): Promise<KeptTurn> {
  const { status, text } = await shownTurn(gateway, turn);
  return { status, text };
}
