// A title by the model, where that is configured: asked for after the first answer by appending to the very prompt
// that was just computed, so that it costs a few tokens. It never replaces a person's title.
import type { ConversationStore, FinishTurn } from '../conversations/store.ts';
import { toolCallIds } from '../prompt/assemble.ts';
import { fillMarks } from '../prompt/blob-mark.ts';
import { replayOf, withReasoning } from '../prompt/replay.ts';
import type { Target } from '../providers/provider.ts';
import type { Router } from '../routing/router.ts';
import { bodyOf, type TurnRun } from './run-turn.ts';
import { shortTitle } from './short-title.ts';

const REQUEST =
  'Give this conversation a title of at most six words, in its own language. Answer with the title alone.';

/** Milliseconds: a title that takes longer is not worth the engine's time. */
const TITLE_TIMEOUT_MS = 60_000;

export interface AnsweredTurn {
  readonly finish: Pick<FinishTurn, 'output' | 'blobs'>;
  /** Who answered, and so has the prompt in its cache. */
  readonly target: Target;
}

/** Asks for a title and hands it to the store; rejects when the upstream or the store fails. */
export async function suggestTitle(
  run: TurnRun,
  { finish: { output, blobs }, target }: AnsweredTurn,
  { router, store }: { router: Pick<Router, 'open'>; store: ConversationStore },
): Promise<void> {
  const { accepted, request, live } = run;
  // Engines refuse a tool call without its result.
  if (!output || toolCallIds(output.wire).length > 0) return;
  const [{ wire } = output] = withReasoning([output], replayOf(target));
  const answer = fillMarks(wire, new Map(blobs.map((blob) => [blob.sha256, blob])));
  const question = JSON.stringify({ role: 'user', content: REQUEST });
  const text = `${accepted.messagesFor(target).text.slice(0, -1)},${answer},${question}]`;
  const parameters = { stream: 'false', stream_options: 'null', max_tokens: '64' };
  const asked = bodyOf(
    { ...run, request: { parameters }, accepted: { ...accepted, messagesFor: () => ({ text }) } },
    target,
  );
  const signal = AbortSignal.any([live.signal, AbortSignal.timeout(TITLE_TIMEOUT_MS)]);
  const { reply } = await router.open(
    {
      plan: [target],
      stream: false,
      requestId: request.requestId,
      trace: live.trace,
      hedgeMs: null,
      bodyFor: () => asked,
      onAttempt() {},
      onAnswer() {},
    },
    signal,
  );
  if (reply.kind !== 'json') return;
  const content = reply.completion.choices?.[0]?.message?.['content'];
  const title =
    typeof content === 'string'
      ? shortTitle(content.trim().replaceAll(/^["'“”]+|["'“”.]+$/g, '')).toWellFormed()
      : '';
  if (title !== '') await store.suggestTitle(accepted.conversationId, title);
}
