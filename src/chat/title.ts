// A title by the model, where that is configured: asked for after the first answer by appending to the very prompt
// that was just computed, so that it costs a few tokens. It never replaces a person's title.
import type { ConversationStore } from '../conversations/store.ts';
import { MAX_TITLE_CHARS } from '../domain/limits.ts';
import type { Provider } from '../providers/provider.ts';
import { bodyOf, type TurnRun } from './run-turn.ts';

const REQUEST =
  'Give this conversation a title of at most six words, in its own language. Answer with the title alone.';

/** Milliseconds: a title that takes longer is not worth the engine's time. */
const TITLE_TIMEOUT_MS = 60_000;

/** Asks for a title and hands it to the store; rejects when the upstream or the store fails. */
export async function suggestTitle(
  run: TurnRun,
  { provider, store }: { provider: Provider; store: ConversationStore },
): Promise<void> {
  const { accepted, plan, request, live } = run;
  const answer = (await store.path(accepted.conversationId, await headOf(run, store))).at(-1);
  if (answer?.role !== 'assistant') return;
  const question = JSON.stringify({ role: 'user', content: REQUEST });
  const messages = `${accepted.messages.slice(0, -1)},${answer.wire},${question}]`;
  const parameters = { stream: 'false', stream_options: 'null', max_tokens: '64' };
  const [target] = plan;
  const body = bodyOf(
    { ...run, request: { parameters }, accepted: { ...accepted, messages } },
    target,
  );
  const signal = AbortSignal.any([live.signal, AbortSignal.timeout(TITLE_TIMEOUT_MS)]);
  const reply = await provider.ask(
    target,
    { body, stream: false, requestId: request.requestId },
    signal,
  );
  if (reply.kind !== 'json') return;
  const content = reply.completion.choices?.[0]?.message?.['content'];
  const title =
    typeof content === 'string'
      ? content
          .trim()
          .replaceAll(/\s+/g, ' ')
          .replaceAll(/^["'“”]+|["'“”.]+$/g, '')
      : '';
  if (title !== '')
    await store.suggestTitle(
      accepted.conversationId,
      title.slice(0, MAX_TITLE_CHARS).toWellFormed(),
    );
}

async function headOf(
  { accepted, request }: TurnRun,
  store: ConversationStore,
): Promise<string | null> {
  return (await store.conversation(request.scope, accepted.conversationId))?.head ?? null;
}
