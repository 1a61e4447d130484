// /v1: one stateless chat completion. The client's own bytes go out with only what the contract changes spliced in,
// and the upstream's bytes come back the same way.
import { dataEvent, commentEvent, DONE } from '../sse/encode.ts';
import type { EventSource } from '../sse/event-stream.ts';
import { later, through } from '../domain/pieces.ts';
import { isObject, memberText, type JsonDocument } from '../json/document.ts';
import { membersOf } from '../json/members.ts';
import { replaced, spliced, withMembers, type Changes } from '../json/splice.ts';
import type { Stop } from '../domain/stop.ts';
import type { TraceContext } from '../domain/trace-context.ts';
import type { Usage } from '../domain/message.ts';
import type { ChatCall, ChatEvent, Target } from '../providers/provider.ts';
import { checkMessages } from '../prompt/check-content.ts';
import { passUnread } from '../prompt/check-outline.ts';
import type { Alias, Catalog } from '../routing/catalog.ts';
import type { OpenedReply } from '../routing/open.ts';
import type { Router } from '../routing/router.ts';
import { affinityKey, checkTools } from './chat-request.ts';
import { watchUsage } from './missing-usage.ts';
import { showAs, shownReply } from './shown-chunk.ts';
import { raiseTokenLimits } from './token-limits.ts';

export interface RelayDeps {
  readonly catalog: Catalog;
  readonly router: Pick<Router, 'plan' | 'open'>;
}

export interface RelayRequest {
  readonly document: JsonDocument;
  /** What it says, as far as the gateway acts on it: see `actedOn`. */
  readonly request: Readonly<Record<string, unknown>>;
  readonly alias: string;
  readonly stream: boolean;
  readonly requestId: string;
  /** Absent where nothing is traced. */
  readonly trace?: TraceContext | undefined;
  /** Told of each target before it is asked. */
  onAttempt(target: Target): void;
  /** Told of the target whose reply is taken. */
  onAnswer(target: Target): void;
  /** Told of the token counts when the upstream reports them. */
  onUsage(usage: Usage): void;
}

/** A request that has passed every check and can be asked. */
export interface PreparedRelay {
  /** What was changed in the request, for x-gateway-applied. */
  readonly applied: readonly string[];
  /** The whole reply as JSON text. Rejects with a GatewayError. */
  json(signal: Stop): Promise<string>;
  /** The reply as encoded events; asks the upstream when first pulled, and throws a GatewayError when it fails. */
  events(signal: Stop): EventSource;
}

/** Checks the request; whatever is wrong with it is thrown here, before any upstream hears of it. */
export function prepareRelay(relayed: RelayRequest, deps: RelayDeps): PreparedRelay {
  const { document, request } = relayed;
  const alias = deps.catalog.find(relayed.alias);
  checkContents(document, alias);
  checkTools(request, alias);
  const limits = raiseTokenLimits(request, alias.minMaxTokens);
  const changes = { ...limits.changes, ...streamOptions(relayed) };
  const plan = deps.router.plan(alias, { key: () => affinityKey(document, request) });

  const ask = (signal: Stop): Promise<OpenedReply> => {
    const { stream, requestId, trace, onAttempt, onAnswer } = relayed;
    const bodyFor = (target: Target) => bodyWith(document, changes, target);
    const { hedgeMs } = alias;
    const { n } = request;
    const choices = typeof n === 'number' && Number.isInteger(n) ? n : undefined;
    return deps.router.open(
      { plan, stream, choices, requestId, trace, hedgeMs, bodyFor, onAttempt, onAnswer },
      signal,
    );
  };

  return {
    applied: limits.applied,
    async json(signal) {
      const { reply } = await ask(signal);
      if (reply.kind === 'stream')
        throw new TypeError('a provider streamed a reply that was asked for whole');
      if (reply.completion.usage) relayed.onUsage(reply.completion.usage);
      return shownReply(reply.json, reply.completion, alias.name);
    },
    events: (signal) => shownEvents(relayed, alias.name, () => ask(signal)),
  };
}

/** The request with the target's model in it. */
function bodyWith(document: JsonDocument, fixed: Changes, target: Target): Pick<ChatCall, 'body'> {
  const model = JSON.stringify(target.model);
  // Of most requests nothing else is changed.
  const simply = hasAny(fixed) ? undefined : replaced(document, 'model', model);
  return { body: simply ?? spliced(document, { ...fixed, model }) };
}

function checkContents(document: JsonDocument, alias: Alias): void {
  if (document.outline && passUnread(document.outline, alias)) return;
  const { messages } = document.value;
  if (Array.isArray(messages)) checkMessages(messages, 'messages', alias);
}

function hasAny(changes: Changes): boolean {
  for (const _key in changes) return true;
  return false;
}

/** The gateway always wants to learn the usage of a stream, whether or not the client does. */
function streamOptions({ document, request, stream }: RelayRequest): Changes {
  if (!stream) return {};
  const options = request['stream_options'];
  if (!isObject(options)) return { stream_options: '{"include_usage":true}' };
  if (options['include_usage'] === true) return {};
  const text = memberText(document, 'stream_options') ?? '{}';
  return { stream_options: withMembers(text, membersOf(text), { include_usage: 'true' }) };
}

function asksForUsage({ request }: RelayRequest): boolean {
  const options = request['stream_options'];
  return isObject(options) && options['include_usage'] === true;
}

/** The stream as the client sees it, from asking to `[DONE]`. */
function shownEvents(
  request: RelayRequest,
  alias: string,
  ask: () => Promise<OpenedReply>,
): EventSource {
  const asked = asksForUsage(request);
  const show = showAs({ alias, usage: asked });
  const usageWatch = asked ? watchUsage(alias) : null;
  return later(async () =>
    through<readonly ChatEvent[], string>(await streamOf(ask), {
      take(batch) {
        let text = '';
        for (const event of batch) {
          if (event.kind === 'comment') {
            text += commentEvent(event.text);
            continue;
          }
          const { json, chunk } = event;
          usageWatch?.see(chunk);
          if (chunk.usage) request.onUsage(chunk.usage);
          const seen = show(json, chunk);
          if (seen !== null) text += dataEvent(seen);
        }
        return text === '' ? null : text;
      },
      end() {
        const missing = usageWatch?.missing(promptTexts(request.document)) ?? null;
        return (missing === null ? '' : dataEvent(missing)) + dataEvent(DONE);
      },
    }),
  );
}

async function streamOf(ask: () => Promise<OpenedReply>) {
  const { reply } = await ask();
  if (reply.kind === 'json')
    throw new TypeError('a provider sent a reply whole that was asked for as a stream');
  return reply.events;
}

/** What of a request a model reads. */
function promptTexts(document: JsonDocument): string[] {
  return ['messages', 'tools'].map((key) => memberText(document, key) ?? '');
}
