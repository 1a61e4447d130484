// A target of the chaos run: an OpenAI-compatible server on raw sockets whose every word carries its own name, the
// request's mark and a number, so that an answer that is mixed, cut or doubled shows. It can be made faulty and healthy
// again at any moment, and it knows which of its answers it has spoiled.
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { seedOf, type Random } from '../harness/random.ts';
import { sentMessages } from '../harness/c1.ts';
import {
  beginSse,
  chunk,
  completion,
  readRequests,
  replyJson,
  sse,
  type UpstreamCall,
} from '../harness/fake-upstream.ts';
import { trapOf, type Fault, type Place, type Trap } from './faults.ts';

/** Between two words, in milliseconds. */
const PACE_MS = 15;

/** The words of this target's answer to the request with this mark. */
export function wordsOf(name: string, mark: string): string[] {
  const count = 3 + (seedOf(mark) % 12);
  return Array.from({ length: count }, (_, at) => `${name}.${mark}.${at + 1}of${count} `);
}

export class ChaosTarget {
  readonly name: string;
  fault: Fault | null = null;
  /** Since when it has been healthy without a break, as `performance.now()` counts; null while it is not. */
  healthySince: number | null = performance.now();
  asked = 0;
  readonly #random: Random;
  readonly #sockets = new Set<Socket>();
  /** Calls that have no end yet, with their marks. */
  readonly #running = new Map<UpstreamCall, string>();
  readonly #spoiled = new Set<string>();
  #server: Server | undefined;
  #port = 0;
  #share = 1;
  #thawed: PromiseWithResolvers<void> | null = null;

  constructor(name: string, random: Random) {
    this.name = name;
    this.#random = random;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/v1`;
  }

  /** Connections on which an answer is due. */
  get running(): number {
    return this.#running.size;
  }

  /** Whether this target has done something to its answer to that request. */
  hasSpoiled(mark: string): boolean {
    return this.#spoiled.has(mark);
  }

  forget(mark: string): void {
    this.#spoiled.delete(mark);
  }

  async listen(): Promise<void> {
    const server = createServer((socket) => this.#greet(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Of a healthy target. It counts as faulty at once. `share` of its calls are hit, where it can still take calls. */
  async break(fault: Fault, share: number): Promise<void> {
    this.fault = fault;
    this.#share = share;
    this.healthySince = null;
    if (fault === 'frozen') {
      this.#thawed = Promise.withResolvers();
      this.#spoilAll();
    }
    if (fault === 'killed') await this.#die();
  }

  async heal(): Promise<void> {
    if (this.fault === null) return;
    if (this.fault === 'killed') await this.#listenAgain();
    this.#thawed?.resolve();
    this.#thawed = null;
    this.fault = null;
    this.healthySince = performance.now();
  }

  async close(): Promise<void> {
    this.#thawed?.resolve();
    await this.#die();
  }

  #spoilAll(): void {
    for (const mark of this.#running.values()) this.#spoiled.add(mark);
  }

  async #die(): Promise<void> {
    this.#spoilAll();
    const server = this.#server;
    this.#server = undefined;
    const gone = server && new Promise((resolve) => server.close(resolve));
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await gone;
  }

  /** An outgoing connection of anybody's may have been given its port meanwhile. */
  async #listenAgain(): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.listen();
      } catch (error) {
        if (tries === 100) throw error;
        await Bun.sleep(20);
      }
    }
  }

  #greet(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    readRequests(socket, (call) => {
      if (call.method === 'GET') void this.#list(call);
      else void this.#take(call);
    });
  }

  async #list(call: UpstreamCall): Promise<void> {
    await this.#thawed?.promise;
    await replyJson(call, { object: 'list', data: [{ id: `model-${this.name}` }] });
  }

  async #take(call: UpstreamCall): Promise<void> {
    const mark = String(sentMessages(call).at(-1)?.content);
    this.asked++;
    this.#running.set(call, mark);
    void call.closed.then(() => this.#running.delete(call));
    const { fault } = this;
    const isHit = fault !== null && this.#random.chance(this.#share);
    const trap = isHit ? trapOf(fault, this.#random) : null;
    if (isHit || fault === 'frozen') this.#spoiled.add(mark);
    if (trap?.does === 'refuse') {
      await replyJson(call, { error: { message: String(fault) } }, trap);
      this.#running.delete(call);
      return;
    }
    if (/"stream":\s*true/.test(call.body)) await this.#stream(call, mark, trap);
    else await this.#reply(call, mark, trap);
  }

  async #stream(call: UpstreamCall, mark: string, trap: Trap | null): Promise<void> {
    const words = wordsOf(this.name, mark);
    const middle = Math.ceil(words.length / 2);
    if (await this.#isOver('head', { call, trap })) return;
    await beginSse(call);
    await call.send(sse(chunk({ role: 'assistant', content: '' })));
    for (const [at, content] of words.entries()) {
      if (at === 0 && (await this.#isOver('first token', { call, trap }))) return;
      if (at === middle && (await this.#isOver('middle', { call, trap }))) return;
      await Bun.sleep(PACE_MS);
      await this.#thawed?.promise;
      await call.send(sse(chunk({ content })));
    }
    await call.send(`${sse(chunk({}, 'stop'))}${sse('[DONE]')}`);
    call.end();
  }

  async #reply(call: UpstreamCall, mark: string, trap: Trap | null): Promise<void> {
    const words = wordsOf(this.name, mark);
    const body = JSON.stringify(completion(words.join('')));
    await Bun.sleep(PACE_MS * words.length);
    await this.#thawed?.promise;
    if (await this.#isOver('head', { call, trap })) return;
    await call.send(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`,
    );
    if (await this.#isOver('first token', { call, trap })) return;
    const half = Math.floor(body.length / 2);
    await call.send(body.slice(0, half));
    if (await this.#isOver('middle', { call, trap })) return;
    // Before the last byte: the connection may bring the next call at once.
    this.#running.delete(call);
    await call.send(body.slice(half));
  }

  /** Springs the trap if it is laid here. */
  async #isOver(
    place: Place,
    { call, trap }: { call: UpstreamCall; trap: Trap | null },
  ): Promise<boolean> {
    if (!trap || trap.does === 'refuse' || trap.at !== place) return false;
    if (trap.does === 'reset') call.reset();
    if (trap.does === 'end') call.end();
    if (trap.does === 'report') {
      // Without a head yet it is no HTTP at all.
      await call.send(sse({ error: { message: 'the engine died', type: 'server_error' } }));
      call.end();
    }
    return true;
  }
}
