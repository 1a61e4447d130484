// Opens a reply from a plan of targets. For now the first target speaks or the request fails; falling back to the
// next before the first visible token belongs here.
import type { ChatReply, Provider, Target } from '../providers/provider.ts';
import type { Alias } from './catalog.ts';

export interface OpenRequest {
  readonly alias: Alias;
  readonly plan: readonly [Target, ...Target[]];
  readonly stream: boolean;
  /** How many answers were asked for; absent for one. */
  readonly choices?: number;
  readonly requestId: string;
  /** The body for a target: the same request with that target's model in it. */
  bodyFor(target: Target): string;
}

export interface OpenedReply {
  readonly target: Target;
  readonly attempts: number;
  readonly reply: ChatReply;
}

export async function openReply(
  request: OpenRequest,
  provider: Provider,
  signal: AbortSignal,
): Promise<OpenedReply> {
  const [target] = request.plan;
  const call = {
    body: request.bodyFor(target),
    stream: request.stream,
    requestId: request.requestId,
    ...(request.choices === undefined ? {} : { choices: request.choices }),
  };
  return { target, attempts: 1, reply: await provider.ask(target, call, signal) };
}
