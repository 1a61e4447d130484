// Asking /v1: the page sends the whole history, and keeps the answer.
import { batch } from '@preact/signals';
import { errorDetails, ownError } from '../../../client/errors.ts';
import { readEvents } from '../../../client/events.ts';
import { statelessBody, type Ask } from '../request/body.ts';
import type { MessageNode } from '../thread/message.ts';
import { pathTo, withNode } from '../thread/tree.ts';
import { failureOf, RequestFailure } from './ask-gateway.ts';
import type { Live } from './live.ts';
import { announcement, live, thread, token } from './state.ts';
import { appliedTo, drawnAs } from './thread.ts';

export async function askStateless(begun: Live, ask: Ask): Promise<void> {
  const history = pathTo(thread.value.tree, begun.parent);
  try {
    await stream(begun, statelessBody(ask, history));
  } catch (thrown) {
    if (live.value !== begun) return;
    const isStopped = begun.controller.signal.aborted;
    if (isStopped && begun.answer.hasBegun) return keepAnswer(begun, 'cancelled');
    begun.fail(
      isStopped
        ? { ...ownError('network_error', 'Stopped before the first word.'), code: 'turn_cancelled' }
        : failureOf(thrown),
    );
    announcement.value = isStopped ? 'Stopped.' : 'The request failed.';
    return;
  }
  if (live.value === begun) keepAnswer(begun, begun.answer.finishReason);
}

async function stream(begun: Live, body: object): Promise<void> {
  const { signal } = begun.controller;
  const response = await fetch('/v1/chat/completions', {
    method: 'POST',
    headers: { authorization: `Bearer ${token.value}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  });
  begun.noteHeaders(response.headers);
  if (!response.ok || !response.body)
    throw new RequestFailure(errorDetails(await response.text(), response.status));
  let isDone = false;
  for await (const { data } of readEvents(response.body, { hear: (pending) => pending })) {
    if (data === '[DONE]') {
      isDone = true;
      continue;
    }
    const chunk = JSON.parse(data) as Record<string, unknown>;
    if (chunk['error'] !== undefined) throw new RequestFailure(errorDetails(data, null));
    begun.take(chunk, false);
  }
  if (!isDone)
    throw new RequestFailure(ownError('network_error', 'The stream ended before the answer did.'));
}

function keepAnswer(begun: Live, finishReason: string | null): void {
  batch(() => keepInTree(begun, finishReason));
  announcement.value = finishReason === 'cancelled' ? 'Stopped.' : 'The answer is complete.';
}

function keepInTree(begun: Live, finishReason: string | null): void {
  const { tree, numbers, failures } = thread.value;
  let grown = tree;
  let parent = begun.parent;
  for (const message of [...begun.questions, begun.answer.message]) {
    const node: MessageNode = { ...message, id: `local-${grown.nodes.size + 1}`, parent };
    grown = withNode(grown, node);
    parent = node.id;
  }
  const id = parent ?? '';
  drawnAs.set(id, begun.key);
  if (begun.applied !== null) appliedTo.set(id, begun.applied);
  live.value = null;
  thread.value = {
    ...thread.value,
    tree: grown,
    head: id,
    tip: id,
    hasTools: false,
    numbers: new Map([...numbers, [id, { ...begun.numbers, finishReason }]]),
    failures,
  };
}
