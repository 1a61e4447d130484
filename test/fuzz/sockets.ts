// Raw bytes at the gateway's socket: valid requests, one after another on one connection, changed and cut anywhere. The
// process survives, others are served meanwhile, and nothing of one connection comes out on another.
import { expect } from 'bun:test';
import fc from 'fast-check';
import { sentMessages } from '../harness/c1.ts';
import {
  completion,
  replyJson,
  replySse,
  streamOf,
  type FakeUpstream,
} from '../harness/fake-upstream.ts';
import type { GatewayProcess } from '../harness/gateway.ts';
import { get, post } from '../harness/hostile.ts';
import { openRaw, replyIn, statusesIn, type RawConnection } from '../harness/raw.ts';
import { ask } from '../harness/v1.ts';
import { tryMany, type FuzzOptions } from './fuzz.ts';
import { mutated, mutations, type Mutation } from './mutate.ts';
import { cut } from './sse.ts';

export interface SocketsTarget {
  readonly upstream: FakeUpstream;
  readonly gateway: Pick<GatewayProcess, 'url' | 'request' | 'process'>;
}

const KINDS = [
  'healthz',
  'models',
  'chat',
  'chat',
  'stream',
  'chunked',
  'conversation',
  'nowhere',
  'head',
] as const;
type Kind = (typeof KINDS)[number];

interface Session {
  readonly kinds: readonly Kind[];
  readonly changes: readonly Mutation[];
  readonly pieces: readonly number[];
  readonly leavesAtOnce: boolean;
}

const session: fc.Arbitrary<Session> = fc.record({
  kinds: fc.array(fc.constantFrom(...KINDS), { minLength: 1, maxLength: 4 }),
  changes: fc.oneof({ weight: 3, arbitrary: mutations }, { weight: 1, arbitrary: fc.constant([]) }),
  pieces: fc.array(fc.nat(), { maxLength: 5 }),
  leavesAtOnce: fc.integer({ min: 0, max: 5 }).map((dice) => dice === 0),
});

/** How long a reply to what is no whole request may take; such a connection is then left. */
const PATIENCE_MS = 40;

/** What a word of a session looks like: nobody else may be told it. */
const CANARY = /canary-(\d+)-\d+/g;

let sessions = 0;

export async function fuzzSockets(target: SocketsTarget, options: FuzzOptions): Promise<void> {
  const { upstream, gateway } = target;
  const mixed: string[] = [];
  upstream.script = async (call) => {
    upstream.calls.length = 0;
    if (ownersIn(call.body).size > 1) mixed.push(call.body);
    const echo = `echo ${JSON.stringify(sentMessages(call).at(-1)?.content)}`;
    if (/"stream":\s*true/.test(call.body)) await replySse(call, streamOf([echo]));
    else await replyJson(call, completion(echo));
  };
  await tryMany(fc.array(session, { minLength: 1, maxLength: 4 }), {
    ...options,
    async check(all) {
      const [own] = await Promise.all([
        control(gateway),
        ...all.map((one) => run(gateway.url, one)),
      ]);
      expect(own).toBe(true);
      expect(mixed).toEqual([]);
      expect(gateway.process.exitCode).toBeNull();
    },
  });
}

/** Somebody who asks in good order meanwhile, and is answered. */
async function control(gateway: SocketsTarget['gateway']): Promise<boolean> {
  const number = ++sessions;
  const content = `canary-${number}-0`;
  const response = await ask(gateway, { messages: [{ role: 'user', content }] });
  const text = await response.text();
  return response.status === 200 && [...ownersIn(text)].join() === String(number);
}

async function run(url: string, { kinds, changes, pieces, leavesAtOnce }: Session): Promise<void> {
  const number = ++sessions;
  const requests = kinds.map((kind, at) => requestOf(kind, `canary-${number}-${at}`));
  const raw = await openRaw(url);
  try {
    if (changes.length === 0) return await inTurn(raw, { kinds, requests, pieces });
    const bytes = mutated(Buffer.from(requests.join(''), 'latin1'), changes);
    await send(raw, cut(bytes, pieces));
    if (leavesAtOnce) return;
    await Promise.race([raw.closed, Bun.sleep(PATIENCE_MS)]);
    const strangers = [...ownersIn(raw.received())].filter((owner) => owner !== String(number));
    expect(strangers).toEqual([]);
    for (const status of statusesIn(raw.received())) expect(STATUSES).toContain(status);
  } finally {
    raw.destroy();
  }
}

/** Of what these requests can become. */
const STATUSES = [200, 400, 401, 404, 405, 413, 415, 417, 431, 505];

/** One after another, each once the one before is answered: every reply is whole, and tells of its own request. */
async function inTurn(
  raw: RawConnection,
  { kinds, requests, pieces }: { requests: readonly string[] } & Pick<Session, 'kinds' | 'pieces'>,
): Promise<void> {
  for (const [at, kind] of kinds.entries()) {
    const request = requests[at] ?? '';
    const before = raw.received().length;
    await send(raw, cut(Buffer.from(request, 'latin1'), pieces));
    const reply = () => raw.received().slice(before);
    while (!isWhole(kind, reply())) await Bun.sleep(1);
    const told = [...reply().matchAll(CANARY)].map(([word]) => word);
    const [own] = [...request.matchAll(CANARY)].map(([word]) => word);
    expect([...new Set(told)]).toEqual(own === undefined ? [] : [own]);
  }
}

function isWhole(kind: Kind, reply: string): boolean {
  return reply.includes('\r\n\r\n') && (kind === 'head' || replyIn(reply).isWhole);
}

async function send(raw: RawConnection, parts: readonly Uint8Array[]): Promise<void> {
  for (const part of parts) {
    raw.send(part);
    await new Promise(setImmediate);
  }
}

function ownersIn(text: string): Set<string> {
  return new Set([...text.matchAll(CANARY)].map(([, owner = '']) => owner));
}

function requestOf(kind: Kind, word: string): string {
  const body = (more: object) =>
    JSON.stringify({ model: 'test-model', messages: [{ role: 'user', content: word }], ...more });
  switch (kind) {
    case 'healthz':
      return 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n';
    case 'models':
      return get('host: x\r\n');
    case 'nowhere':
      return get('host: x\r\n', '/nowhere?a=b');
    case 'head':
      return 'HEAD /healthz HTTP/1.1\r\nhost: x\r\n\r\n';
    case 'chat':
    case 'stream': {
      const text = body({ stream: kind === 'stream' });
      return post(`content-length: ${text.length}\r\n`, text);
    }
    case 'chunked': {
      const text = body({});
      const [one, other] = [text.slice(0, 10), text.slice(10)];
      const chunk = (part: string) => `${part.length.toString(16)}\r\n${part}\r\n`;
      return post('transfer-encoding: chunked\r\n', `${chunk(one)}${chunk(other)}0\r\n\r\n`);
    }
    case 'conversation': {
      const text = JSON.stringify({ model: 'test-model', message: word });
      return post(`content-length: ${text.length}\r\n`, text).replace(
        '/v1/chat/completions',
        '/c1/chat',
      );
    }
    default:
      return kind satisfies never;
  }
}
