// A turn as an event stream: each frame with the id that a client resumes from, and the turn's failure as the same
// event for everybody.
import type { FollowedFrames } from '../../chat/follow-turn.ts';
import { TurnFailure } from '../../chat/live-turn.ts';
import { GatewayError, toGatewayError } from '../../domain/errors.ts';
import { through } from '../../domain/stages.ts';
import { dataEvent, DONE, snapshotEvent } from '../../sse/encode.ts';
import type { EventSource } from '../../sse/event-stream.ts';
import { errorEvent } from '../refuse.ts';
import type { Reply, ReplyHeaders } from '../wire/reply.ts';

export function turnEvents(
  turnId: string,
  followed: AsyncGenerator<FollowedFrames, void>,
): EventSource {
  return through<FollowedFrames, string>(followed, {
    take({ frames, isSnapshot }) {
      const encode = isSnapshot ? snapshotEvent : dataEvent;
      return frames.map(({ seq, json }) => encode(json, `${turnId}.${seq}`)).join('');
    },
    end: () => dataEvent(DONE),
  });
}

/** The last event of a turn that did not complete; it has an id too, so that a resumption knows it was told. */
export function renderTurnError(turnId: string, requestId: string): (error: unknown) => string {
  return (error) =>
    error instanceof TurnFailure
      ? dataEvent(error.frame.json, `${turnId}.${error.frame.seq}`)
      : errorEvent(toGatewayError(error), requestId);
}

/** A failed turn is a turn all the same: its ids are on the reply, whatever the reply is. */
export async function withTurnHeaders(
  headers: ReplyHeaders,
  reply: () => Promise<Reply>,
): Promise<Reply> {
  try {
    return await reply();
  } catch (error) {
    const told = error instanceof TurnFailure ? error.error : error;
    if (!(told instanceof GatewayError)) throw error;
    throw told.with({ headers: headers.toRecord() });
  }
}
