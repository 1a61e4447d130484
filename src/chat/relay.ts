// /v1: one stateless chat completion. The client's own bytes go out with only what the contract changes spliced in,
// and the upstream's bytes come back the same way.
import { dataEvent, commentEvent, DONE } from '../sse/encode.ts';
import type { EventSource } from '../sse/event-stream.ts';
import { later } from '../domain/pieces.ts';
import { through } from '../domain/stages.ts';
import { isObject, memberText, type JsonDocument } from '../json/document.ts';
import { membersOf } from '../json/members.ts';
import { splicedBytes, withMembers, type Changes } from '../json/splice.ts';
import type { Stop } from '../domain/stop.ts';
import type { TraceContext } from '../domain/trace-context.ts';
import type { Usage } from '../domain/message.ts';
import type { ChatCall, ChatEvent, Target } from '../providers/provider.ts';
import { checkMessages } from '../prompt/check-content.ts';
import type { Alias, Catalog } from '../routing/catalog.ts';
import type { OpenedReply, OpenRequest } from '../routing/open.ts';
import type { Plan, Preference } from '../routing/plan.ts';
import type { Router } from '../routing/router.ts';
import { checkTools } from './chat-request.ts';
import { watchUsage } from './missing-usage.ts';
import { watchRepeats } from './repeated-chunk.ts';
import { showAs, shownReply } from './shown-chunk.ts';
import { raiseTokenLimits, type RaisedLimits } from './token-limits.ts';

export interface RelayDeps {
  readonly catalog: Catalog;
  readonly router: Pick<Router, 'plan' | 'open'>;
}

export interface RelayRequest {
  readonly document: JsonDocument;
  readonly alias: string;
  readonly messages: readonly unknown[];
  readonly stream: boolean;
  readonly requestId: string;
  /** Absent where nothing is traced. */
  readonly trace?: TraceContext | undefined;
  readonly witness: Witness;
}

/** Who is told of what becomes of a request. */
export interface Witness {
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
export function prepareRelay(request: RelayRequest, deps: RelayDeps): PreparedRelay {
  const alias = deps.catalog.find(request.alias);
  checkMessages(request.messages, 'messages', alias);
  checkTools(request.document.value, alias);
  const limits = raiseTokenLimits(request.document.value, alias.minMaxTokens);
  return new Relay(request, { alias, limits, router: deps.router });
}

/** It is also what the router is asked to open: nothing has to be made for that. */
class Relay implements PreparedRelay, OpenRequest, Preference {
  readonly plan: Plan;
  readonly applied: readonly string[];
  readonly stream: boolean;
  readonly requestId: string;
  readonly trace: TraceContext | undefined;
  readonly #request: RelayRequest;
  readonly #alias: Alias;
  readonly #changes: Changes;
  readonly #router: RelayDeps['router'];

  constructor(
    request: RelayRequest,
    { alias, limits, router }: { alias: Alias; limits: RaisedLimits } & Pick<RelayDeps, 'router'>,
  ) {
    this.applied = limits.applied;
    this.stream = request.stream;
    this.requestId = request.requestId;
    this.trace = request.trace;
    this.#request = request;
    this.#alias = alias;
    this.#changes = request.stream
      ? { ...limits.changes, ...streamOptions(request) }
      : limits.changes;
    this.#router = router;
    this.plan = router.plan(alias, this);
  }

  get hedgeMs(): number | null {
    return this.#alias.hedgeMs;
  }
  get choices(): number | undefined {
    const { n } = this.#request.document.value;
    return typeof n === 'number' && Number.isInteger(n) ? n : undefined;
  }
  key(): string {
    return beginningOf(this.#request.document);
  }
  bodyFor(target: Target): Pick<ChatCall, 'body' | 'bytes'> {
    return bodyWith(this.#request.document, this.#changes, target);
  }
  onAttempt(target: Target): void {
    this.#request.witness.onAttempt(target);
  }
  onAnswer(target: Target): void {
    this.#request.witness.onAnswer(target);
  }

  async json(signal: Stop): Promise<string> {
    const { reply } = await this.#router.open(this, signal);
    if (reply.kind === 'stream')
      throw new TypeError('a provider streamed a reply that was asked for whole');
    if (reply.completion.usage) this.#request.witness.onUsage(reply.completion.usage);
    return shownReply(reply.json, reply.completion, this.#alias.name);
  }
  events(signal: Stop): EventSource {
    return shownEvents(this.#request, this.#alias.name, () => this.#router.open(this, signal));
  }
}

/** Characters of a prompt's beginning that tell whether two prompts share what an engine keeps in its cache. */
const BEGINNING_CHARS = 2_000;

/** By what a request goes to the same replica again: the client's own key for it, or how its prompt begins. */
function beginningOf({ value, text, members }: JsonDocument): string {
  const key = value['prompt_cache_key'];
  if (typeof key === 'string') return key;
  const start = members.find((member) => member.key === 'messages')?.valueStart ?? 0;
  return text.slice(start, start + BEGINNING_CHARS);
}

/** The request with the target's model in it. */
function bodyWith(
  document: JsonDocument,
  fixed: Changes,
  target: Target,
): Pick<ChatCall, 'body' | 'bytes'> {
  const { text, members, bytes } = document;
  const model = JSON.stringify(target.model);
  const member = bytes || hasAny(fixed) ? undefined : members.find(({ key }) => key === 'model');
  // Of most requests nothing else is changed.
  if (member)
    return { body: text.slice(0, member.valueStart) + model + text.slice(member.valueEnd) };
  const changes = { ...fixed, model };
  return { body: withMembers(text, members, changes), bytes: splicedBytes(document, changes) };
}

function hasAny(changes: Changes): boolean {
  for (const _key in changes) return true;
  return false;
}

/** The gateway always wants to learn the usage of a stream, whether or not the client does. */
function streamOptions({ document, stream }: RelayRequest): Changes {
  if (!stream) return {};
  const options = document.value['stream_options'];
  if (!isObject(options)) return { stream_options: '{"include_usage":true}' };
  if (options['include_usage'] === true) return {};
  const member = document.members.find(({ key }) => key === 'stream_options');
  const text = document.text.slice(member?.valueStart, member?.valueEnd);
  return { stream_options: withMembers(text, membersOf(text), { include_usage: 'true' }) };
}

function asksForUsage({ document }: RelayRequest): boolean {
  const options = document.value['stream_options'];
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
  const repeated = watchRepeats(usageWatch && ((said) => usageWatch.hear(said)));
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
          if (chunk.usage) request.witness.onUsage(chunk.usage);
          const seen = show(json, chunk);
          if (seen === null) continue;
          text += dataEvent(seen);
          repeated.learn(event, seen);
        }
        return text === '' ? null : text;
      },
      shortcut: (sink) => repeated.shortcutTo(sink),
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
