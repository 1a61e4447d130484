// The turns of this process: takes one in, runs it in the background, follows and cancels it, and knows which are
// open, so that a drain can wait for them.
import { createHash } from 'node:crypto';
import type { Usage } from '../domain/message.ts';
import type { Clock } from '../domain/clock.ts';
import type { Deadlines } from '../domain/deadlines.ts';
import { newId } from '../domain/ids.ts';
import { GatewayError } from '../domain/errors.ts';
import { childOf } from '../domain/trace-context.ts';
import type { Scope } from '../conversations/conversation.ts';
import type { ConversationStore, FinishTurn } from '../conversations/store.ts';
import { isTerminal, type Turn } from '../conversations/turn.ts';
import type { Probe } from '../observe/probe.ts';
import type { Target } from '../providers/provider.ts';
import type { Alias } from '../routing/catalog.ts';
import type { Router } from '../routing/router.ts';
import { acceptTurn } from './accept-turn.ts';
import { cancelElsewhere, findTurn, watchCancelRequests } from './cancel-elsewhere.ts';
import type { FollowDeps } from './follow-turn.ts';
import { keepConversations } from './kept-conversations.ts';
import { createLiveTurn, TurnCancelled, type LiveTurn } from './live-turn.ts';
import { runTurn, type EndedTurn, type TurnRun } from './run-turn.ts';
import { suggestTitle, type AnsweredTurn } from './title.ts';
import type { TurnRequest } from './turn-request.ts';

export interface TurnsOptions {
  /** How long a conversation stays with the target that answered it last, in milliseconds. */
  readonly affinityMs: number;
  readonly orphanMs: number;
  readonly titles: 'message' | 'model';
  readonly cacheSalt: 'user' | 'owner' | 'none';
}

/** What a turn begins with and ends on, whatever is configured meanwhile. */
export interface TurnSetup {
  readonly alias: Alias;
  readonly router: Pick<Router, 'plan' | 'open' | 'contextOf'>;
  readonly options: TurnsOptions;
}

export interface TurnsDeps {
  readonly store: ConversationStore;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly probe: Probe;
}

export interface TurnObserver {
  onAttempt(target: Target): void;
  onAnswer(target: Target): void;
  onUsage(usage: Usage): void;
}

export interface BegunTurn {
  readonly turnId: string;
  readonly conversationId: string;
  /** To be followed; absent for a turn that was there before. */
  readonly live?: LiveTurn;
  /** True when the same idempotency key had made the turn before. */
  readonly isRepeat: boolean;
  /** Turns that left the prompt with this one. */
  readonly compactedTurns: number;
}

export interface Turns extends FollowDeps {
  /** Resolves when the turn is accepted durably; it then runs by itself. Rejects with a GatewayError. */
  begin(request: TurnRequest, setup: TurnSetup, observer: TurnObserver): Promise<BegunTurn>;
  /** Ends the turn, wherever it runs, and resolves to what it ended as; a turn that is over stays as it is. */
  cancel(scope: Scope, turnId: string): Promise<Turn>;
  /** Stops what still runs for a conversation that is gone. */
  cancelConversation(conversationId: string): void;
  openTurns(): number;
  /** Resolves when no turn is open. */
  whenIdle(): Promise<void>;
  cancelAll(reason: unknown): void;
  /** Lets go of what is kept only to be quick: nobody has asked for a while. */
  rest(): void;
  /** Nothing is tried again from now on. */
  close(): void;
}

interface OpenTurn {
  readonly live: LiveTurn;
  /** null until a conversation that the turn opens is accepted. */
  conversationId: string | null;
  /** Resolves when the turn has ended, or was not accepted. */
  readonly done: Promise<void>;
  finished(): void;
}

/** How soon a turn whose end the store could not take is offered to it again. */
const SETTLE_AGAIN_MS = 1_000;

export function createTurns(deps: TurnsDeps): Turns {
  const { store, deadlines, clock, probe } = deps;
  const open = new Map<string, OpenTurn>();
  const kept = keepConversations();
  const requests = watchCancelRequests(deps, (turnId) => {
    open.get(turnId)?.live.cancel(new TurnCancelled('on request'));
  });
  let closed = false;

  async function run(turn: TurnRun, { router, options }: TurnSetup): Promise<void> {
    const { live, accepted } = turn;
    try {
      const ended = await runTurn(turn, { store, router, clock });
      goOnFrom(turn, ended);
      const { finish, target } = ended;
      const { status, errorCode, usage, prefixBreak = null } = finish;
      const { conversationId, expectedCachedTokens, epoch } = accepted;
      probe.turnFinished({
        turnId: live.id,
        conversationId,
        alias: turn.alias.name,
        upstream: target?.upstream ?? null,
        status,
        errorCode,
        ...usage,
        expectedCachedTokens,
        prefixBreak,
        epochReason: prefixBreak === 'epoch' ? epoch.reason : null,
        ttftMs: finish.ttftMs,
        durationMs: finish.endedAt - accepted.acceptedAt,
        trace: live.trace,
      });
      if (options.titles === 'model' && accepted.isFirst && status === 'completed' && target)
        await title(turn, { finish, target }, router);
    } catch (error) {
      probe.backgroundFailed(`ending turn ${live.id}`, error);
      settleLater(live.id);
    } finally {
      leave(live.id);
    }
  }

  /** A turn that left no answer leaves the conversation to be read. */
  function goOnFrom({ accepted, request }: TurnRun, { finish, target }: EndedTurn): void {
    const { conversationId: id, epoch } = accepted;
    const head = finish.status === 'completed' ? finish.output : undefined;
    const prompt = head && target && accepted.keptWith(head);
    if (!head || !prompt) return kept.forget(id);
    kept.keep({
      scope: request.scope,
      conversation: { id, head: head.id, epoch },
      head,
      before: {
        usage: finish.usage,
        upstream: target.upstream,
        upstreamModel: target.model,
        epochId: epoch.id,
        outputNode: head.id,
        endedAt: finish.endedAt,
      },
      turnId: finish.turnId,
      prompt,
    });
  }

  function leave(turnId: string): void {
    open.get(turnId)?.finished();
    open.delete(turnId);
    if (open.size === 0) requests.stop();
  }

  /** The turn has ended well: that there is no title must not look like a turn without an end. */
  async function title(
    turn: TurnRun,
    answered: AnsweredTurn,
    router: TurnSetup['router'],
  ): Promise<void> {
    try {
      await suggestTitle(turn, answered, { router, store });
    } catch (error) {
      probe.backgroundFailed(`suggesting a title after turn ${turn.live.id}`, error);
    }
  }

  /** A turn without an end would leave its conversation busy: the store is asked until it can take it. */
  function settleLater(turnId: string): void {
    if (closed) return;
    deadlines.arm(SETTLE_AGAIN_MS, () => {
      store.finish(unsavedEnd(turnId, clock.now())).catch(() => settleLater(turnId));
    });
  }

  function start(turn: TurnRun, setup: TurnSetup): BegunTurn {
    const { turnId, conversationId, compactedTurns } = turn.accepted;
    const entry = open.get(turnId);
    if (entry) entry.conversationId = conversationId;
    void run(turn, setup);
    return { turnId, conversationId, live: turn.live, isRepeat: false, compactedTurns };
  }

  async function repeat(turnId: string, scope: Scope): Promise<BegunTurn> {
    const turn = await store.turn(scope, turnId);
    if (!turn) throw new GatewayError('turn_not_found', { param: 'idempotency-key' });
    return { turnId, conversationId: turn.conversationId, isRepeat: true, compactedTurns: 0 };
  }

  return {
    store,
    deadlines,
    find: (turnId) => open.get(turnId)?.live,
    async begin(request, setup, observer) {
      const { alias, router, options } = setup;
      const trace = request.trace && childOf(request.trace);
      const { orphanMs } = options;
      const live = createLiveTurn({ id: newId('turn'), trace, deadlines, orphanMs });
      // Known before it is accepted: whoever repeats the request at the same moment finds it.
      const { promise: done, resolve: finished } = Promise.withResolvers<void>();
      const { conversationId } = request;
      open.set(live.id, { live, conversationId, done, finished });
      requests.start();
      try {
        const accepted = await acceptTurn(live.id, request, {
          store,
          kept,
          clock,
          affinityMs: options.affinityMs,
          planFor: (preference) =>
            router.plan(alias, { ...preference, provider: request.provider }),
          contextOf: (target) => router.contextOf(target) ?? alias.contextWindow,
        });
        if ('repeats' in accepted) {
          leave(live.id);
          live.end({ kind: 'completed' });
          return await repeat(accepted.repeats, request.scope);
        }
        const turn: TurnRun = {
          request,
          accepted,
          alias,
          live,
          cacheSalt: () => saltOf(request.scope, options.cacheSalt),
          onAttempt: observer.onAttempt,
          onAnswerer: observer.onAnswer,
          onAnswer({ usage }) {
            if (usage) observer.onUsage(usage);
          },
        };
        return start(turn, setup);
      } catch (error) {
        leave(live.id);
        live.end({ kind: 'completed' });
        throw error;
      }
    },
    async cancel(scope, turnId) {
      const turn = await findTurn(scope, turnId, store);
      if (isTerminal(turn.status)) return turn;
      const here = open.get(turnId);
      if (!here) return await cancelElsewhere(scope, turnId, deps);
      here.live.cancel(new TurnCancelled('on request'));
      await here.done;
      return await findTurn(scope, turnId, store);
    },
    openTurns: () => open.size,
    async whenIdle() {
      await Promise.all([...open.values()].map(({ done }) => done));
    },
    cancelConversation(conversationId) {
      kept.forget(conversationId);
      for (const turn of open.values()) {
        if (turn.conversationId === conversationId)
          turn.live.cancel(new TurnCancelled('its conversation was deleted'));
      }
    },
    cancelAll(reason) {
      for (const { live } of open.values()) live.cancel(reason);
    },
    rest: kept.clear,
    close() {
      closed = true;
    },
  };
}

function unsavedEnd(turnId: string, endedAt: number): FinishTurn {
  return {
    turnId,
    status: 'failed',
    errorCode: 'storage_unavailable',
    blobs: [],
    finishReason: null,
    usage: { promptTokens: null, completionTokens: null, cachedTokens: null },
    ttftMs: null,
    endedAt,
  };
}

/** Derived, so that it tells an engine's operator nothing of who is behind it. */
function saltOf({ owner, userId }: Scope, sharedBy: TurnsOptions['cacheSalt']): string | null {
  if (sharedBy === 'none') return null;
  const who = sharedBy === 'owner' ? owner : JSON.stringify([owner, userId]);
  return createHash('sha256').update(`cache salt of ${who}`).digest('base64url');
}
