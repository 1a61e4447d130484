// What a store does, said in the plainest way: maps in memory, one operation at a time. The property test compares
// the database with it.
import type { ConversationNode } from '../../conversations/conversation.ts';
import type { AcceptOutcome, AcceptTurn, FinishTurn } from '../../conversations/store.ts';
import type { TurnStatus } from '../../conversations/turn.ts';

interface ModelConversation {
  title: string | null;
  head: ConversationNode | null;
  path: ConversationNode[];
  rev: number;
  lastUsedAt: number;
  epochId: string;
}

interface ModelTurn {
  readonly accepted: AcceptTurn;
  status: TurnStatus;
  output: string | null;
  readonly events: string[];
}

export class ModelStore {
  readonly conversations = new Map<string, ModelConversation>();
  readonly turns = new Map<string, ModelTurn>();

  accept(turn: AcceptTurn): AcceptOutcome {
    const same = [...this.turns.values()].find(
      ({ accepted }) =>
        turn.idempotencyKey !== null && accepted.idempotencyKey === turn.idempotencyKey,
    );
    if (same !== undefined) {
      return same.accepted.requestFingerprint === turn.requestFingerprint
        ? { outcome: 'repeated', turnId: same.accepted.turnId }
        : { outcome: 'key_reused' };
    }
    const found = this.conversations.get(turn.conversationId);
    if (found === undefined && turn.create === undefined) return { outcome: 'not_found' };
    const active = this.activeTurn(turn.conversationId);
    if (active !== null) return { outcome: 'busy', turnId: active };
    const head = found?.head?.id ?? null;
    if ((found !== undefined && turn.create !== undefined) || head !== turn.parentNode) {
      return { outcome: 'head_moved', head };
    }
    if (found === undefined) this.#create(turn);
    else this.#use(found, turn.createdAt);
    this.turns.set(turn.turnId, { accepted: turn, status: 'accepted', output: null, events: [] });
    return { outcome: 'accepted' };
  }

  start(turnId: string): void {
    const turn = this.turns.get(turnId);
    if (turn?.status === 'accepted') turn.status = 'streaming';
  }

  append(turnId: string, payload: string): void {
    this.turns.get(turnId)?.events.push(payload);
  }

  finish(finish: FinishTurn): boolean {
    const turn = this.turns.get(finish.turnId);
    if (turn === undefined || !['accepted', 'streaming'].includes(turn.status)) return false;
    turn.status = finish.status;
    turn.output = finish.output?.id ?? null;
    const { conversationId, input, epoch } = turn.accepted;
    const conversation = this.conversations.get(conversationId);
    if (conversation === undefined) throw new Error('a turn has a conversation');
    this.#use(conversation, finish.endedAt);
    if (finish.output !== undefined) {
      conversation.head = finish.output;
      conversation.path = [...conversation.path, ...input, finish.output];
      conversation.epochId = epoch?.id ?? conversation.epochId;
    }
    return true;
  }

  rename(id: string, title: string): boolean {
    const conversation = this.conversations.get(id);
    if (conversation === undefined) return false;
    conversation.title = title;
    conversation.rev += 1;
    return true;
  }

  remove(id: string): boolean {
    for (const [turnId, { accepted }] of this.turns) {
      if (accepted.conversationId === id) this.turns.delete(turnId);
    }
    return this.conversations.delete(id);
  }

  activeTurn(conversation: string): string | null {
    for (const [id, { accepted, status }] of this.turns) {
      const open = status === 'accepted' || status === 'streaming';
      if (open && accepted.conversationId === conversation) return id;
    }
    return null;
  }

  /** Ids, newest use first. */
  listing(): string[] {
    const byUse = [...this.conversations].toSorted(
      ([a, one], [b, two]) => two.lastUsedAt - one.lastUsedAt || (a < b ? 1 : -1),
    );
    return byUse.map(([id]) => id);
  }

  #create({ conversationId, create, createdAt, epoch }: AcceptTurn): void {
    this.conversations.set(conversationId, {
      title: create?.title ?? null,
      head: null,
      path: [],
      rev: 1,
      lastUsedAt: createdAt,
      epochId: epoch?.id ?? '',
    });
  }

  #use(conversation: ModelConversation, at: number): void {
    conversation.rev += 1;
    conversation.lastUsedAt = Math.max(conversation.lastUsedAt, at);
  }
}
