// What the clients of a crash run have been told, and the rules that everything they are told later has to agree with.
import { answerTo, plannedAnswer } from './engine.ts';

export type TerminalStatus = 'completed' | 'failed' | 'cancelled';

/** One request to /c1/chat, and all its repetitions. */
export interface Ask {
  readonly mark: string;
  /** The mark itself, where the request has a key. */
  readonly key: string | null;
  readonly body: string;
  readonly stream: boolean;
  /** null where an earlier message is answered again. */
  readonly question: string | null;
  readonly conversation: SeenConversation | null;
  turn: SeenTurn | null;
}

export interface SeenTurn {
  readonly id: string;
  readonly conversation: SeenConversation;
  readonly ask: Ask;
  /** By seq, as far as any client has seen them. */
  readonly frames: string[];
  status: TerminalStatus | null;
  /** The bytes of a whole reply. */
  reply: string | null;
}

export interface SeenConversation {
  readonly id: string;
  readonly turns: SeenTurn[];
  /** maybe: nobody has said yet whether it was. */
  deleted: 'no' | 'maybe' | 'yes';
  /** Requests with a key that are under way: to delete what they ask would free their key. */
  keyedInFlight: number;
}

export interface Counts {
  kills: number;
  killsAtStart: number;
  accepted: number;
  completed: number;
  cancelled: number;
  failedByCrash: number;
  failedByUpstream: number;
  framesSeen: number;
  framesChecked: number;
  answersChecked: number;
  resumes: number;
  retries: number;
  deletes: number;
  integrityChecks: number;
  /** Requests that were sent again. */
  refusedAsOverloaded: number;
}

export class Book {
  readonly faults: string[] = [];
  readonly turns = new Map<string, SeenTurn>();
  readonly conversations = new Map<string, SeenConversation>();
  /** What the next check looks at. */
  readonly touched = new Set<Ask>();
  readonly asks: Ask[] = [];
  readonly counts: Counts = {
    kills: 0,
    killsAtStart: 0,
    accepted: 0,
    completed: 0,
    cancelled: 0,
    failedByCrash: 0,
    failedByUpstream: 0,
    framesSeen: 0,
    framesChecked: 0,
    answersChecked: 0,
    resumes: 0,
    retries: 0,
    deletes: 0,
    integrityChecks: 0,
    refusedAsOverloaded: 0,
  };
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  fault(what: string): void {
    this.faults.push(`${this.#name}, after ${this.counts.kills} kills: ${what}`);
  }

  /** The request was taken as this turn. */
  acknowledged(ask: Ask, ids: { turn: string; conversation: string }): SeenTurn {
    this.touched.add(ask);
    const known = this.turns.get(ids.turn);
    if (known) {
      if (known.ask !== ask) this.fault(`${ids.turn} is the turn of two requests`);
      return known;
    }
    if (ask.turn) this.fault(`${ask.mark} made two turns: ${ask.turn.id} and ${ids.turn}`);
    if (ask.conversation && ask.conversation.id !== ids.conversation)
      this.fault(`${ask.mark} landed in ${ids.conversation}, not in ${ask.conversation.id}`);
    const conversation = this.#conversation(ids.conversation);
    const turn: SeenTurn = {
      id: ids.turn,
      conversation,
      ask,
      frames: [],
      status: null,
      reply: null,
    };
    ask.turn = turn;
    conversation.turns.push(turn);
    this.turns.set(turn.id, turn);
    this.counts.accepted++;
    return turn;
  }

  sawFrame(turn: SeenTurn, seq: number, json: string): void {
    const before = turn.frames[seq];
    if (before === undefined) this.counts.framesSeen++;
    else if (before !== json)
      this.fault(`${turn.id}.${seq} was ${before} and is ${json} to another client`);
    turn.frames[seq] = json;
  }

  sawReply(turn: SeenTurn, text: string): void {
    if (turn.reply !== null && turn.reply !== text)
      this.fault(`${turn.id} was answered with ${turn.reply}, and now with ${text}`);
    turn.reply = text;
    const { choices } = JSON.parse(text) as { choices: [{ message: { content: string } }] };
    this.sawAnswer(turn, choices[0].message.content);
    this.sawEnd(turn, 'completed');
  }

  sawAnswer(turn: SeenTurn, text: string): void {
    this.counts.answersChecked++;
    if (text !== answerTo(turn.ask.mark))
      this.fault(`${turn.id} says ${JSON.stringify(text)}, not what it was answered`);
  }

  /** However often a turn ends, it is as the same. */
  sawEnd(turn: SeenTurn, status: TerminalStatus): void {
    if (turn.status === status || turn.conversation.deleted !== 'no') return;
    if (turn.status !== null) {
      this.fault(`${turn.id} was ${turn.status} and is ${status} now`);
      return;
    }
    turn.status = status;
    const isCut = plannedAnswer(turn.ask.mark).isCut;
    if (isCut && status === 'completed') this.fault(`${turn.id} completed without an end`);
    if (status === 'failed') this.counts[isCut ? 'failedByUpstream' : 'failedByCrash']++;
    else this.counts[status]++;
  }

  #conversation(id: string): SeenConversation {
    const known = this.conversations.get(id);
    if (known) return known;
    const made: SeenConversation = { id, turns: [], deleted: 'no', keyedInFlight: 0 };
    this.conversations.set(id, made);
    return made;
  }
}
