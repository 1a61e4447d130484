// What the parser of replies takes and refuses, however the bytes are cut.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { createReplyParser } from './http1-reply.ts';

interface Read {
  readonly status: number | undefined;
  readonly body: string;
  readonly isWhole: boolean;
  readonly isReusable: boolean;
}

/** Reads a reply that comes in these pieces, and then the end of the connection where it is asked for. */
function read(pieces: readonly Buffer[], isClosed = false): Read | string {
  const parser = createReplyParser();
  try {
    const body = Buffer.concat(pieces.map((piece) => Buffer.from(parser.push(piece))));
    if (isClosed) parser.end();
    return {
      status: parser.head()?.status,
      body: body.toString(),
      isWhole: parser.isWhole(),
      isReusable: parser.isReusable(),
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const readText = (text: string, isClosed = false) => read([Buffer.from(text)], isClosed);

/** The bytes, cut at these places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const edges = [0, ...places.map((place) => place % bytes.length), bytes.length];
  edges.sort((a, b) => a - b);
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
}

const chunked = (pieces: readonly string[]) =>
  [...pieces.filter((piece) => piece !== ''), '']
    .map(
      (piece) => `${Buffer.byteLength(piece).toString(16)};x=1\r\n${piece}${piece ? '\r\n' : ''}`,
    )
    .join('');

describe('a reply', () => {
  const framings: Record<string, (pieces: string[]) => string> = {
    'with a length': (pieces) =>
      `content-length: ${Buffer.byteLength(pieces.join(''))}\r\n\r\n${pieces.join('')}`,
    'in chunks': (pieces) =>
      `Transfer-Encoding: Chunked\r\n\r\n${chunked(pieces)}x-trailer: 1\r\n\r\n`,
    'until the connection ends': (pieces) => `\r\n${pieces.join('')}`,
  };
  for (const [name, frame] of Object.entries(framings)) {
    test(`${name} is the same wherever its bytes are cut`, () => {
      const bodies = fc.array(fc.string({ unit: 'binary' }), { maxLength: 5 });
      const places = fc.array(fc.nat(), { maxLength: 12 });
      fc.assert(
        fc.property(bodies, places, (pieces, cuts) => {
          const isOpen = name.startsWith('until');
          const wellFormed = pieces.map((piece) => piece.toWellFormed());
          const head = 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ndate: x\r\n';
          const bytes = Buffer.from(head + frame(wellFormed));
          expect(read(cut(bytes, cuts), isOpen)).toEqual({
            status: 200,
            body: wellFormed.join(''),
            isWhole: true,
            isReusable: !isOpen,
          });
        }),
      );
    });
  }

  test('that says it closes, or is of HTTP/1.0, leaves no connection behind', () => {
    const [close, old, kept] = [
      readText('HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length: 0\r\n\r\n'),
      readText('HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n'),
      readText('HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 0\r\n\r\n'),
    ];
    expect(close).toMatchObject({ isWhole: true, isReusable: false });
    expect(old).toMatchObject({ isWhole: true, isReusable: false });
    expect(kept).toMatchObject({ isWhole: true, isReusable: true });
  });

  test('that is followed by what nobody asked for is whole, and its connection is not used again', () => {
    const after = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n';
    expect(readText(after)).toMatchObject({ body: 'ok', isWhole: true, isReusable: false });
    const chunks = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nmore';
    expect(readText(chunks)).toMatchObject({ body: '', isWhole: true, isReusable: false });
  });

  test('that ends before its end is cut off', () => {
    for (const text of [
      'HTTP/1.1 200',
      'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n',
    ]) {
      expect(readText(text, true)).toBe('ECONNRESET');
    }
  });

  test('that can be read in two ways is malformed', () => {
    for (const text of [
      'HTTP/2 200 OK\r\n\r\n',
      'SSH-2.0-OpenSSH\r\n\r\n',
      'HTTP/1.1 101 Switching Protocols\r\n\r\n',
      'HTTP/1.1 200 OK\r\ncontent-length: 2, 3\r\n\r\nok',
      'HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok',
      'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
      'HTTP/1.1 200 OK\r\nx-folded: 1\r\n more\r\n\r\n',
      'HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\nok',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0x2\r\nok\r\n0\r\n\r\n',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nokok\r\n0\r\n\r\n',
      `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`,
    ]) {
      expect(readText(text)).toBe('Malformed_HTTP_Response');
    }
  });
});

test('One whole chunk is what the long way makes of it, and nothing else is one', () => {
  const HEAD = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
  const size = fc.oneof(
    fc.nat(40).map((digits) => digits.toString(16)),
    fc.constantFrom('', '0', '00a', 'A', 'g', '-1', '1;x=1', '0000000001', '5 '),
  );
  const part = fc.tuple(
    size,
    fc.string({ maxLength: 20 }),
    fc.constantFrom('\r\n', '\n', '', '\r'),
  );
  let plain = 0;
  fc.assert(
    fc.property(part, fc.boolean(), fc.boolean(), ([digits, data, end], isRight, isCut) => {
      const length = isRight ? Buffer.byteLength(data).toString(16) : digits;
      const bytes = Buffer.from(`${length}\r\n${data}${isRight ? '\r\n' : end}`);
      const parser = createReplyParser();
      parser.push(Buffer.from(isCut ? `${HEAD}1` : HEAD));
      const start = parser.dataOfOneChunk(bytes);
      const isPlain = isRight && data !== '' && !isCut;
      if (isPlain) expect(start).toBe(length.length + 2);
      if (isCut) expect(start).toBe(-1);
      if (start === -1) return;
      plain++;
      expect(parser.push(bytes).toString()).toBe(bytes.toString('utf8', start, bytes.length - 2));
      // After it the next chunk can begin.
      parser.push(Buffer.from('0\r\n\r\n'));
      expect(parser.isWhole()).toBe(true);
    }),
    { numRuns: 500 },
  );
  expect(plain).toBeGreaterThan(50);
});
