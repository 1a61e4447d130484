// Our own sockets to upstreams: connections that are kept and closed, readers that are slow, calls that are aborted.
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { piecesOf } from '../domain/pieces.ts';
import type { Abortable, AbortListener } from './guarded-call.ts';
import { createPlainHttp, headerLines, type PlainHttp } from './plain-http.ts';
import { reply, startClosingServer, type ClosingServer } from './testing/closing-server.ts';

let server: ClosingServer;
let url: URL;
beforeAll(async () => {
  server = await startClosingServer();
  url = new URL('/v1/x', server.url);
});
beforeEach(() => server.reset());
afterAll(() => server.close());

function abortable(): Abortable & { abort(reason: unknown): void } {
  const controller = new AbortController();
  const { signal } = controller;
  let listener: AbortListener | null = null;
  return {
    isAborted: () => signal.aborted,
    reason: () => signal.reason as unknown,
    tell(to) {
      listener = to;
    },
    signal: () => signal,
    abort(reason) {
      controller.abort(reason);
      listener?.failed(reason);
    },
  };
}

async function post(http: PlainHttp, call: Abortable = abortable()): Promise<string> {
  const { body } = await http.to(url, {}).post({ lines: '', body: '{}', call });
  let text = '';
  for await (const piece of piecesOf(body)) text += Buffer.from(piece).toString();
  return text;
}

describe('a connection that is kept', () => {
  test.each(['closes', 'resets'])(
    'and %s as the next request comes costs it nothing',
    async (how) => {
      const http = createPlainHttp();
      server.answer = (socket, before) => {
        if (before === 0) reply(socket);
        else if (how === 'closes') socket.destroy();
        else socket.resetAndDestroy();
      };
      for (let nth = 0; nth < 2; nth++) expect(await post(http)).toBe('ok');
      expect(server.requests).toEqual([0, 0, 1]);
    },
  );

  test('and is followed by a new one that closes too is a fault of the upstream', async () => {
    const http = createPlainHttp();
    server.answer = (socket) => reply(socket);
    expect(await post(http)).toBe('ok');
    server.answer = (socket) => socket.destroy();
    expect(await post(http).catch(String)).toContain('ECONNRESET');
    expect(server.requests).toEqual([0, 0, 1]);
  });

  test('is not used again after a reply that says it closes', async () => {
    const http = createPlainHttp();
    server.answer = (socket) => reply(socket, 'connection: close\r\n');
    for (let nth = 0; nth < 2; nth++) expect(await post(http)).toBe('ok');
    expect(server.requests).toEqual([0, 1]);
  });
});

test('a connection that was held back by a slow reader to its end answers the next request', async () => {
  const http = createPlainHttp();
  server.answer = (socket, before) => {
    if (before === 0) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n');
    else reply(socket);
  };
  const { body } = await http.to(url, {}).post({ lines: '', body: '', call: abortable() });
  const [came, slow] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const ended = new Promise<void>((resolve, reject) => {
    piecesOf(body).drive({
      take() {
        came.resolve();
        return slow.promise;
      },
      end: resolve,
      fail: reject,
    });
  });
  server.sockets[0]?.write('ok');
  await came.promise;
  expect(await post(http)).toBe('ok');
  expect(server.requests).toEqual([0, 0]);
  slow.resolve();
  await ended;
});

test('a new connection that closes is a fault of the upstream at once', async () => {
  server.answer = (socket) => socket.destroy();
  expect(await post(createPlainHttp()).catch(String)).toContain('ECONNRESET');
  expect(server.requests).toEqual([0]);
});

test('a port where nobody listens refuses', async () => {
  const nobody = createServer();
  await new Promise<void>((resolve) => nobody.listen(0, '127.0.0.1', resolve));
  const { port } = nobody.address() as AddressInfo;
  await new Promise((resolve) => nobody.close(resolve));
  const refused = createPlainHttp()
    .to(new URL(`http://127.0.0.1:${port}/`), {})
    .post({ lines: '', body: '', call: abortable() });
  expect(await refused.catch(String)).toContain('ConnectionRefused');
});

test('an abort closes the socket, before the reply and within it, and is what the reader is told', async () => {
  for (const isBegun of [false, true]) {
    const call = abortable();
    const came = Promise.withResolvers<Socket>();
    server.answer = (socket) => {
      if (isBegun) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nbegun');
      came.resolve(socket);
    };
    const told = post(createPlainHttp(), call).catch((error: unknown) => error);
    const socket = await came.promise;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const reason = new Error('enough');
    call.abort(reason);
    expect(await told).toBe(reason);
    await closed;
  }
});

test('a reader that does not read holds the upstream back', async () => {
  const whole = 64 * 1024 * 1024;
  let written = 0;
  const stalled = Promise.withResolvers<void>();
  server.answer = (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${whole}\r\n\r\n`);
    const piece = Buffer.alloc(64 * 1024, 'x');
    const more = () => {
      while (written < whole) {
        written += piece.length;
        if (!socket.write(piece)) break;
      }
      if (written < whole) setTimeout(stalled.resolve, 100);
    };
    socket.on('drain', more);
    more();
  };
  const { body } = await createPlainHttp()
    .to(url, {})
    .post({ lines: '', body: '', call: abortable() });
  await stalled.promise;
  expect(written).toBeLessThan(whole / 2);
  let size = 0;
  for await (const piece of piecesOf(body)) size += piece.length;
  expect(size).toBe(whole);
});

test('a header with a line break in it is never sent', () => {
  const headers = { 'x-key': 'a\r\nx-other: b' };
  expect(() => createPlainHttp().to(url, headers)).toThrow('cannot be sent');
  expect(() => headerLines(headers)).toThrow('cannot be sent');
});

test.each([20, 5_000, 40_000])(
  'a request of %i characters that are not ASCII arrives byte for byte, with its length in bytes',
  async (count) => {
    const body = JSON.stringify({ text: 'é字😀'.repeat(count / 4) });
    let seen: Buffer = Buffer.alloc(0);
    const arrived = Promise.withResolvers<void>();
    const echo = createServer((socket) => {
      socket.on('data', (bytes: Buffer) => {
        seen = Buffer.concat([seen, bytes]);
        if (!seen.toString().endsWith('"}')) return;
        reply(socket);
        arrived.resolve();
      });
    });
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    const there = new URL(`http://127.0.0.1:${(echo.address() as AddressInfo).port}/v1/x`);
    await createPlainHttp().to(there, {}).post({ lines: '', body, call: abortable() });
    await arrived.promise;
    echo.close();
    const [head = '', sent] = seen.toString().split('\r\n\r\n');
    expect(sent).toBe(body);
    expect(head).toContain(`content-length: ${Buffer.byteLength(body)}`);
  },
);

test.each([
  ['text', undefined],
  ['pieces', [3, 300_000, 1, 2_000_000, 0, 70_000]],
])('a long body goes out whole as %s, to an upstream that reads slowly', async (_, sizes) => {
  const pieces = sizes?.map((size, index) => Buffer.alloc(size, `${index}é,`));
  const bytes = pieces && Buffer.concat(pieces);
  const body = bytes?.toString() ?? 'é'.repeat(1_500_000);
  const wanted = bytes ?? Buffer.from(body);
  const { promise: got, resolve } = Promise.withResolvers<Buffer>();
  const reader = createServer((socket) => {
    let all = Buffer.alloc(0);
    socket.on('data', (part) => {
      all = Buffer.concat([all, part as Buffer]);
      const start = all.indexOf('\r\n\r\n') + 4;
      if (all.length - start >= wanted.length) {
        resolve(all.subarray(start));
        reply(socket);
      } else {
        socket.pause();
        setImmediate(() => socket.resume());
      }
    });
  });
  await new Promise<void>((listening) => reader.listen(0, '127.0.0.1', listening));
  const { port } = reader.address() as AddressInfo;
  const address = new URL(`http://127.0.0.1:${port}/`);
  const call = abortable();
  const { status } = await createPlainHttp()
    .to(address, {})
    .post({ lines: '', body, bytes: pieces, call });
  expect(status).toBe(200);
  expect((await got).equals(wanted)).toBe(true);
  call.abort(new Error('done'));
  reader.close();
});
