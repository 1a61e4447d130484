import { afterEach, expect, test } from 'bun:test';
import { connect, type Socket } from 'node:net';
import { MAX_EARLY_BYTES, MAX_SKIPPED_BYTES } from '../../domain/limits.ts';
import type { BodyWriter, StreamBody } from '../../domain/stream-body.ts';
import { listen, type Listener } from '../listen.ts';
import type { IncomingRequest } from './incoming.ts';
import { ReplyHeaders, type Reply } from './reply.ts';

let listener: Listener | undefined;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await listener?.close();
});

/** A body that the test writes. */
class OwnBody implements StreamBody {
  readonly begun = Promise.withResolvers<BodyWriter>();
  readonly calls: string[] = [];
  readonly gone = Promise.withResolvers<void>();
  #onRoom: (() => void) | undefined;

  begin(out: BodyWriter): void {
    this.calls.push('begin');
    this.begun.resolve(out);
  }
  onRoom(): void {
    this.calls.push('onRoom');
    this.#onRoom?.();
  }
  onGone(): void {
    this.calls.push('onGone');
    this.gone.resolve();
  }
  room(): Promise<void> {
    return new Promise((resolve) => {
      this.#onRoom = resolve;
    });
  }
}

function serve(answer: (request: IncomingRequest) => Reply | Promise<Reply>): void {
  listener = listen(async (request) => await answer(request), { host: '127.0.0.1', port: 0 });
}

function reply(body: Reply['body'], status = 200): Reply {
  return { status, headers: new ReplyHeaders({ 'x-a': 'b' }), body };
}

/** A client on a bare socket, which keeps what it is told. */
async function client() {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(listener?.url ?? '').port) });
  sockets.push(socket);
  let text = '';
  const waiting = new Set<() => void>();
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
    for (const look of waiting) look();
  });
  let error = '';
  socket.on('error', (cause) => (error = String(cause)));
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(error + text)));
  await new Promise((resolve) => socket.once('connect', resolve));
  const until = (pattern: RegExp): Promise<string> =>
    new Promise((resolve) => {
      const look = () => {
        if (!pattern.test(text)) return;
        waiting.delete(look);
        resolve(text);
      };
      waiting.add(look);
      look();
    });
  return { socket, closed, until, send: (data: string | Buffer) => socket.write(data) };
}

const GET = 'GET / HTTP/1.1\r\nhost: x\r\n';
const bodyOf = (received: string) => received.slice(received.indexOf('\r\n\r\n') + 4);

test('a stream goes out in chunks that tell their length in bytes, its head with the first of them', async () => {
  const body = new OwnBody();
  serve(() => reply(body));
  const one = await client();
  one.send(`${GET}\r\n`);
  const out = await body.begun.promise;
  out.write('häh 😀');
  out.write('');
  out.write('x');
  out.end();
  const received = await one.until(/\r\n0\r\n\r\n/);
  expect(received).toContain('transfer-encoding: chunked\r\n');
  const sent = Buffer.from('häh 😀');
  expect(bodyOf(received)).toBe(
    `${sent.length.toString(16)}\r\n${sent.toString('latin1')}\r\n1\r\nx\r\n0\r\n\r\n`,
  );
});

test('a client of HTTP/1.0 gets a stream as it is, ended by the end of the connection', async () => {
  const body = new OwnBody();
  serve(() => reply(body));
  const one = await client();
  one.send('GET / HTTP/1.0\r\nhost: x\r\n\r\n');
  const out = await body.begun.promise;
  out.write('one ');
  out.write('two');
  out.end();
  const received = await one.closed;
  expect(bodyOf(received)).toBe('one two');
  expect(received).toContain('connection: close\r\n');
  expect(received).not.toContain('transfer-encoding');
});

test('a request that comes while a stream runs is answered after it, and only then', async () => {
  const body = new OwnBody();
  const asked: string[] = [];
  serve(({ target }) => {
    asked.push(target);
    return reply(target === '/' ? body : 'second');
  });
  const one = await client();
  one.send(`${GET}\r\n`);
  const out = await body.begun.promise;
  out.write('first');
  await one.until(/first/);
  one.send(GET.replace(' / ', ' /2 '));
  one.send('\r\n');
  out.write('more');
  await one.until(/more/);
  expect(asked).toEqual(['/']);
  out.end();
  const received = await one.until(/second/);
  expect(received.indexOf('0\r\n\r\n')).toBeLessThan(received.indexOf('second'));
  expect(asked).toEqual(['/', '/2']);
});

test('requests that are sent by the hundred before any is answered are all answered, in their order', async () => {
  serve(async ({ target }) => {
    await Promise.resolve();
    return reply(target);
  });
  const count = Math.ceil((3 * MAX_EARLY_BYTES) / 50);
  const one = await client();
  let all = '';
  for (let nth = 0; nth < count; nth++) all += `GET /${nth} HTTP/1.1\r\nhost: x\r\n\r\n`;
  one.send(all);
  const received = await one.until(new RegExp(`\r\n\r\n/${count - 1}$`));
  const answers = [...received.matchAll(/\r\n\r\n\/(\d+)/g)].map(([, nth]) => Number(nth));
  expect(answers).toEqual(Array.from({ length: count }, (_, nth) => nth));
});

test('a client that leaves is told of once, to the request before its reply and to the stream after', async () => {
  const body = new OwnBody();
  const gone = Promise.withResolvers<void>();
  const late = Promise.withResolvers<Reply>();
  serve((request) => {
    if (request.target === '/2') request.onGone = gone.resolve;
    return request.target === '/2' ? late.promise : reply(body);
  });
  const one = await client();
  one.send(`${GET}\r\n`);
  (await body.begun.promise).write('first');
  await one.until(/first/);
  one.socket.destroy();
  await body.gone.promise;
  expect(body.calls).toEqual(['begin', 'onGone']);

  const two = await client();
  two.send('GET /2 HTTP/1.1\r\nhost: x\r\n\r\n');
  two.socket.end();
  await gone.promise;
  const unheard = new OwnBody();
  late.resolve(reply(unheard));
  await unheard.gone.promise;
  expect(unheard.calls).toEqual(['onGone']);
});

test('whoever writes more than the client reads is told when there is no room, and when there is again', async () => {
  const body = new OwnBody();
  serve(() => reply(body));
  const one = await client();
  one.send(`${GET}\r\n`);
  const out = await body.begun.promise;
  one.socket.pause();
  const piece = 'x'.repeat(64 * 1024);
  let pieces = 1;
  while (out.write(piece)) pieces++;
  const room = body.room();
  expect(body.calls).toEqual(['begin']);
  one.socket.resume();
  await room;
  out.end();
  const received = bodyOf(await one.until(/\r\n0\r\n\r\n/));
  expect(received.replaceAll(/[^x]/g, '').length).toBe(pieces * piece.length);
});

test('a body that is given up ends the connection without the chunk that would make it whole', async () => {
  const body = new OwnBody();
  serve(() => reply(body));
  const one = await client();
  one.send(`${GET}\r\n`);
  const out = await body.begun.promise;
  out.write('half');
  await one.until(/half/);
  out.abort();
  expect(await one.closed).not.toContain('0\r\n\r\n');
});

test('a reply that leaves its request unread is read whole by the client, however much that still sends', async () => {
  serve(() => reply('refused', 413));
  for (const length of [MAX_SKIPPED_BYTES / 4, 4 * MAX_SKIPPED_BYTES]) {
    const one = await client();
    one.send(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n`);
    one.send(Buffer.alloc(length / 8, 'x'));
    const received = await one.until(/refused/);
    expect(received.includes('connection: close')).toBe(length > MAX_SKIPPED_BYTES);
    if (length > MAX_SKIPPED_BYTES) continue;
    one.send(Buffer.alloc((length / 8) * 7, 'x'));
    one.send(`${GET}\r\n`);
    await one.until(/refused[^]*refused/);
    one.socket.destroy();
  }
});

test('replies without a body say so as HTTP wants it', async () => {
  serve(({ target }) => reply(target === '/304' ? null : 'four', target === '/304' ? 304 : 200));
  const one = await client();
  one.send('GET /304 HTTP/1.1\r\nhost: x\r\n\r\nHEAD / HTTP/1.1\r\nhost: x\r\n\r\n');
  one.send(`${GET}connection: close\r\n\r\n`);
  const [not, head, get] = (await one.closed).split(/(?=HTTP\/1\.1 )/);
  expect(not).toStartWith('HTTP/1.1 304 Not Modified\r\n');
  expect(not).not.toContain('content-length');
  expect(head).toContain('content-length: 4\r\n');
  expect(bodyOf(head ?? '')).toBe('');
  expect(bodyOf(get ?? '')).toBe('four');
});

test('a header that no line can hold is refused where it is made', () => {
  const headers = new ReplyHeaders();
  for (const value of ['a\r\nb: c', 'a\0', '☃'])
    expect(() => headers.set('x', value)).toThrow(TypeError);
  expect(headers.lines()).toBe('');
});
