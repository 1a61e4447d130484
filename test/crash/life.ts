// One life of a gateway in a crash run: requests to it, and what the clients make of its replies.
import type { GatewayProcess, TestRequest } from '../harness/gateway.ts';
import type { Ask, Book, SeenTurn } from './book.ts';

/** The gateway is gone, or the client has left: what was under way is over. */
export class Gone extends Error {}

export interface ReadOptions {
  /** The seq that has to come next. */
  readonly next: number;
  /** The client leaves after so many frames; null when it stays. */
  readonly leaveAfter: number | null;
}

/** Until a request that was refused is sent again. */
const OVERLOADED_MS = 100;

export class Life {
  readonly book: Book;
  readonly gateway: Pick<GatewayProcess, 'request' | 'url'>;
  /** Resolves when the gateway is killed. */
  readonly over = Promise.withResolvers<void>();
  /** Called at every acknowledgement: the best moments to kill. */
  onAcknowledged: () => void = () => undefined;
  #isOver = false;

  constructor(gateway: Pick<GatewayProcess, 'request' | 'url'>, book: Book) {
    this.gateway = gateway;
    this.book = book;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    this.#isOver = true;
    this.over.resolve();
  }

  /** Throws Gone when the gateway dies meanwhile. Asks again where a busy machine has made it refuse. */
  async request(path: string, init: TestRequest = {}): Promise<Response> {
    for (;;) {
      const response = await this.#unlessGone(`${path} was not answered`, () =>
        this.gateway.request(path, init),
      );
      if (response.status !== 503) return response;
      const text = await this.text(response);
      if (!text.includes('"code":"overloaded"')) return new Response(text, response);
      this.book.counts.refusedAsOverloaded++;
      await Bun.sleep(OVERLOADED_MS);
    }
  }

  async text(response: Response): Promise<string> {
    return await this.#unlessGone('a reply broke off', () => response.text());
  }

  /** Reads a turn's events, which have to be in order and without a gap, as far as they come. */
  async readEvents(turn: SeenTurn, response: Response, options: ReadOptions): Promise<void> {
    const reader = response.body?.getReader();
    if (!reader) throw new Error('a stream has a body');
    const decoder = new TextDecoder();
    let rest = '';
    let { next } = options;
    let isEnded = false;
    const until = options.leaveAfter === null ? Infinity : next + options.leaveAfter;
    for (;;) {
      const { done, value } = await this.#unlessGone(`${turn.id} broke off`, () => reader.read());
      if (done) break;
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks.filter((one) => !one.startsWith(':'))) {
        if (isEnded) this.book.fault(`${turn.id} says ${block} after its end`);
        isEnded = this.#take(turn, block, next++) || isEnded;
      }
      if (next < until) continue;
      await reader.cancel();
      return;
    }
    if (!isEnded && !this.isOver && turn.conversation.deleted === 'no')
      this.book.fault(`the stream of ${turn.id} just stopped`);
  }

  /** True for the event that is the last one. */
  #take(turn: SeenTurn, block: string, seq: number): boolean {
    const { book } = this;
    if (block === 'data: [DONE]') {
      book.sawEnd(turn, 'completed');
      this.onAcknowledged();
      return true;
    }
    const prefix = `id: ${turn.id}.${seq}\ndata: `;
    if (!block.startsWith(prefix)) {
      book.fault(`${turn.id} goes on with ${block} where frame ${seq} should be`);
      return false;
    }
    const json = block.slice(prefix.length);
    if (!json.startsWith('{"error":')) {
      book.sawFrame(turn, seq, json);
      return false;
    }
    this.#failed(turn, json);
    return true;
  }

  /** What came back for a chat request: an answer, a failed turn, or a refusal that has a reason. */
  async takeReply(ask: Ask, response: Response, leaveAfter: number | null): Promise<void> {
    const { headers, status } = response;
    const id = headers.get('x-turn-id');
    const conversation = headers.get('x-conversation-id') ?? '';
    if (id === null) {
      await this.#refused(ask, response);
      return;
    }
    const turn = this.book.acknowledged(ask, { turn: id, conversation });
    this.onAcknowledged();
    if (status === 200 && ask.stream) {
      await this.readEvents(turn, response, { next: 0, leaveAfter });
    } else if (status === 200) {
      this.book.sawReply(turn, await this.text(response));
      this.onAcknowledged();
    } else {
      this.#failed(turn, await this.text(response));
    }
  }

  #failed(turn: SeenTurn, json: string): void {
    const { error } = JSON.parse(json) as { error: { code: string } };
    const isGone = turn.conversation.deleted !== 'no';
    if (isGone && ['conversation_not_found', 'turn_not_found'].includes(error.code)) return;
    if (error.code === 'turn_cancelled') this.book.sawEnd(turn, 'cancelled');
    else if (error.code === 'upstream_interrupted') this.book.sawEnd(turn, 'failed');
    else this.book.fault(`${turn.id} failed with ${json}`);
  }

  async #refused({ mark, conversation }: Ask, response: Response): Promise<void> {
    const text = await this.text(response);
    const { error } = JSON.parse(text) as { error: { code: string } };
    const isGone = conversation !== null && conversation.deleted !== 'no';
    if (conversation && ['conversation_busy', 'head_moved'].includes(error.code)) return;
    if (isGone && ['conversation_not_found', 'invalid_field'].includes(error.code)) return;
    this.book.fault(`${mark} was refused with ${response.status} ${text}`);
  }

  async #unlessGone<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (this.isOver) throw new Gone();
    try {
      return await work();
    } catch (error) {
      // The process may be dead before its killer has noted it: nobody else closes connections.
      if (!this.isOver) this.book.fault(`${what}: ${String(error)}`);
      throw new Gone();
    }
  }
}
