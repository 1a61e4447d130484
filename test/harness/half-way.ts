// Turns that are caught in mid-answer.
import { chat, holdCalls, idsOf } from './c1.ts';
import { beginSse, chunk, sse, type FakeUpstream, type UpstreamCall } from './fake-upstream.ts';
import type { TestGateway } from './gateway.ts';

export interface HalfWay {
  /** What the answer's other half is sent on. */
  readonly call: UpstreamCall;
  /** The stream, nothing of which is read. */
  readonly response: Response;
  readonly id: string;
  readonly turn: string;
}

/** A streamed turn whose client has been sent `half `. */
export async function halfWay(
  upstream: Pick<FakeUpstream, 'script'>,
  gateway: Pick<TestGateway, 'request'>,
  { body = {}, signal }: { body?: object; signal?: AbortSignal } = {},
): Promise<HalfWay> {
  const asked = holdCalls(upstream);
  const init = signal ? { signal } : {};
  const pending = chat(gateway, { message: 'hi', stream: true, ...body }, init);
  const call = await asked;
  await beginSse(call);
  await call.send(sse(chunk({ content: 'half ' })));
  const response = await pending;
  return { call, response, ...idsOf(response) };
}

/** Sends `whole` and the end. */
export async function otherHalf(call: UpstreamCall): Promise<void> {
  await call.send(sse(chunk({ content: 'whole' })) + sse(chunk({}, 'stop')) + sse('[DONE]'));
  call.end();
}

export function readerOf({ body }: { readonly body: ReadableStream<Uint8Array> | null }) {
  if (!body) throw new Error('the reply has no body');
  return body.getReader();
}
