// The turns of this process: takes one in, runs it in the background, and knows which are open, so that a drain can
// wait for them.
import type { Usage } from '../domain/message.ts';
import type { Clock } from '../domain/clock.ts';
import type { Deadlines } from '../domain/deadlines.ts';
import type { ConversationStore } from '../conversations/store.ts';
import type { Probe } from '../observe/probe.ts';
import type { Provider, Target } from '../providers/provider.ts';
import type { Alias } from '../routing/catalog.ts';
import type { Health } from '../routing/health.ts';
import { planTargets } from '../routing/plan.ts';
import { acceptTurn } from './accept-turn.ts';
import { createLiveTurn, type LiveTurn } from './live-turn.ts';
import { runTurn, type TurnRun } from './run-turn.ts';
import type { TurnRequest } from './turn-request.ts';

export interface TurnsDeps {
  readonly store: ConversationStore;
  readonly provider: Provider;
  readonly health: Pick<Health, 'of'>;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly probe: Probe;
}

export interface TurnObserver {
  onAttempt(target: Target): void;
  onUsage(usage: Usage): void;
}

export interface Turns {
  /** Resolves when the turn is accepted durably; it then runs by itself. Rejects with a GatewayError. */
  begin(request: TurnRequest, alias: Alias, observer: TurnObserver): Promise<LiveTurn>;
  openTurns(): number;
  /** Resolves when no turn is open. */
  whenIdle(): Promise<void>;
  cancelAll(reason: unknown): void;
}

/** How soon a turn whose end the store could not take is offered to it again. */
const SETTLE_AGAIN_MS = 1_000;

export function createTurns(deps: TurnsDeps): Turns {
  const open = new Map<LiveTurn, Promise<void>>();

  async function run(turn: TurnRun): Promise<void> {
    const { live } = turn;
    try {
      const { status, errorCode } = await runTurn(turn, deps);
      deps.probe.turnFinished({
        turnId: live.id,
        conversationId: live.conversationId,
        status,
        errorCode,
      });
    } catch (error) {
      deps.probe.backgroundFailed(`ending turn ${live.id}`, error);
      settleLater(live);
    } finally {
      open.delete(live);
    }
  }

  /** A turn without an end would leave its conversation busy: the store is asked until it can take it. */
  function settleLater(live: LiveTurn): void {
    deps.deadlines.arm(SETTLE_AGAIN_MS, () => {
      const usage = { promptTokens: null, completionTokens: null, cachedTokens: null };
      deps.store
        .finish({
          turnId: live.id,
          status: 'failed',
          blobs: [],
          finishReason: null,
          errorCode: 'storage_unavailable',
          usage,
          ttftMs: null,
          endedAt: deps.clock.now(),
        })
        .catch(() => settleLater(live));
    });
  }

  return {
    async begin(request, alias, observer) {
      const plan = planTargets(alias, deps.health, request.provider);
      const accepted = await acceptTurn(request, deps);
      const live = createLiveTurn({ id: accepted.turnId, conversationId: accepted.conversationId });
      const turn: TurnRun = {
        request,
        accepted,
        alias,
        plan,
        live,
        onAttempt: observer.onAttempt,
        onAnswer({ usage }) {
          if (usage) observer.onUsage(usage);
        },
      };
      open.set(live, run(turn));
      return live;
    },
    openTurns: () => open.size,
    async whenIdle() {
      await Promise.all(open.values());
    },
    cancelAll(reason) {
      for (const live of open.keys()) live.cancel(reason);
    },
  };
}
