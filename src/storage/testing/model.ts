// What a store does, said in the plainest way: maps in memory, one operation at a time. The property test compares
// the database with it.
import type { ConversationNode, Epoch } from '../../conversations/conversation.ts';
import type {
  AcceptOutcome,
  AcceptTurn,
  FinishTurn,
  ForkConversation,
  MoveOutcome,
} from '../../conversations/store.ts';
import { isTerminal } from '../../conversations/turn.ts';
import type { TurnStatus } from '../../conversations/turn.ts';

interface ModelNode {
  readonly node: ConversationNode;
  readonly epoch: Epoch;
}

interface ModelConversation {
  title: string | null;
  titledByPerson: boolean;
  head: string | null;
  epoch: Epoch;
  readonly epochs: Epoch[];
  /** Of all branches, parents before children. */
  nodes: Map<string, ModelNode>;
  rev: number;
  lastUsedAt: number;
}

interface ModelTurn {
  readonly accepted: AcceptTurn;
  readonly epoch: Epoch;
  status: TurnStatus;
  output: string | null;
  endedAt: number | null;
  events: string[];
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
    if (found !== undefined && (turn.create !== undefined || found.head !== turn.head)) {
      return { outcome: 'head_moved', head: found.head };
    }
    const conversation = found ?? this.#create(turn);
    if (found !== undefined) use(found, turn.createdAt);
    if (turn.epoch !== undefined) conversation.epochs.push(turn.epoch);
    const epoch = turn.epoch ?? conversation.epoch;
    for (const node of turn.input) conversation.nodes.set(node.id, { node, epoch });
    const open = { status: 'accepted' as const, output: null, endedAt: null, events: [] };
    this.turns.set(turn.turnId, { accepted: turn, epoch, ...open });
    return { outcome: 'accepted' };
  }

  start(turnId: string): void {
    const turn = this.turns.get(turnId);
    if (turn?.status === 'accepted') turn.status = 'streaming';
  }

  append(turnId: string, payload: string): boolean {
    const turn = this.turns.get(turnId);
    if (turn === undefined || isTerminal(turn.status)) return false;
    turn.events.push(payload);
    return true;
  }

  finish({ turnId, status, output, endedAt }: FinishTurn): boolean {
    const turn = this.turns.get(turnId);
    if (turn === undefined || isTerminal(turn.status)) return false;
    Object.assign(turn, { status, output: output?.id ?? null, endedAt });
    const { epoch } = turn;
    const conversation = this.conversations.get(turn.accepted.conversationId);
    if (conversation === undefined) throw new Error('a turn has a conversation');
    use(conversation, endedAt);
    if (output !== undefined) {
      conversation.nodes.set(output.id, { node: output, epoch });
      Object.assign(conversation, { head: output.id, epoch });
    }
    return true;
  }

  rename(id: string, title: string): boolean {
    const conversation = this.conversations.get(id);
    if (conversation === undefined) return false;
    Object.assign(conversation, { title, titledByPerson: true, rev: conversation.rev + 1 });
    return true;
  }

  suggestTitle(id: string, title: string): void {
    const conversation = this.conversations.get(id);
    if (conversation === undefined || conversation.titledByPerson) return;
    Object.assign(conversation, { title, rev: conversation.rev + 1 });
  }

  moveHead(id: string, node: string): MoveOutcome {
    const conversation = this.conversations.get(id);
    if (conversation === undefined) return 'not_found';
    const target = conversation.nodes.get(node);
    if (target === undefined) return 'no_such_node';
    if (this.activeTurn(id) !== null) return 'busy';
    if (conversation.head !== node) {
      const { epoch } = target;
      Object.assign(conversation, { head: node, epoch, rev: conversation.rev + 1 });
    }
    return 'moved';
  }

  fork({ id, node, newId, title, createdAt }: ForkConversation): boolean {
    const source = this.conversations.get(id);
    const last = source?.nodes.get(node);
    if (source === undefined || last === undefined) return false;
    const path = new Set(this.path(id, node).map((each) => each.id));
    const nodes = new Map([...source.nodes].filter(([each]) => path.has(each)));
    const applying = new Set([...nodes.values()].map(({ epoch }) => epoch));
    this.conversations.set(newId, {
      title,
      titledByPerson: source.titledByPerson,
      head: node,
      epoch: last.epoch,
      epochs: source.epochs.filter((epoch) => applying.has(epoch)),
      nodes,
      rev: 1,
      lastUsedAt: createdAt,
    });
    return true;
  }

  remove(id: string): boolean {
    for (const [turnId, { accepted }] of this.turns) {
      if (accepted.conversationId === id) this.turns.delete(turnId);
    }
    return this.conversations.delete(id);
  }

  /** Archived, removed and restored: what has no place in an archive is lost. */
  reimport(id: string): boolean {
    const conversation = this.conversations.get(id);
    if (conversation === undefined) return false;
    const active = this.activeTurn(id);
    if (active !== null) this.turns.delete(active);
    const turns = [...this.turns.values()].filter(({ accepted }) => accepted.conversationId === id);
    for (const turn of turns) turn.events = [];
    const first = conversation.epochs.toSorted(byOrdinal)[0] ?? conversation.epoch;
    const before = [...conversation.nodes.values()];
    conversation.nodes = new Map();
    for (const { node } of before) {
      const maker = turns.find(
        ({ accepted, output }) => output === node.id || accepted.input.includes(node),
      );
      const parent = conversation.nodes.get(node.parent ?? '');
      const epoch = maker?.epoch ?? parent?.epoch ?? first;
      conversation.nodes.set(node.id, { node, epoch });
    }
    conversation.titledByPerson = conversation.title !== null;
    return true;
  }

  collectEvents(endedBefore: number): void {
    for (const turn of this.turns.values()) {
      if (turn.endedAt !== null && turn.endedAt < endedBefore) turn.events = [];
    }
  }

  activeTurn(conversation: string): string | null {
    for (const [id, { accepted, status }] of this.turns) {
      if (!isTerminal(status) && accepted.conversationId === conversation) return id;
    }
    return null;
  }

  path(conversation: string, head: string | null): ConversationNode[] {
    const last = this.conversations.get(conversation)?.nodes.get(head ?? '')?.node;
    return last === undefined ? [] : [...this.path(conversation, last.parent), last];
  }

  /** Ids, newest use first. */
  listing(): string[] {
    const byUse = [...this.conversations].toSorted(
      ([a, one], [b, two]) => two.lastUsedAt - one.lastUsedAt || (a < b ? 1 : -1),
    );
    return byUse.map(([id]) => id);
  }

  #create({ conversationId, create, createdAt, epoch }: AcceptTurn): ModelConversation {
    if (epoch === undefined) throw new Error('a conversation opens with an epoch');
    const conversation: ModelConversation = {
      title: create?.title ?? null,
      titledByPerson: false,
      head: null,
      epoch,
      epochs: [],
      nodes: new Map(),
      rev: 1,
      lastUsedAt: createdAt,
    };
    this.conversations.set(conversationId, conversation);
    return conversation;
  }
}

function use(conversation: ModelConversation, at: number): void {
  conversation.rev += 1;
  conversation.lastUsedAt = Math.max(conversation.lastUsedAt, at);
}

function byOrdinal(a: Epoch, b: Epoch): number {
  return a.ordinal - b.ordinal || (a.id < b.id ? -1 : 1);
}
