import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { SMALL_BODY_PIECE_BYTES, UNASKED_BODY_BYTES } from '../../domain/limits.ts';
import { RequestBody } from './request-body.ts';

function flow() {
  const calls: string[] = [];
  return {
    calls,
    goOn: () => void calls.push('goOn'),
    pause: () => void calls.push('pause'),
    resume: () => void calls.push('resume'),
  };
}

function chunked(pieces: readonly Uint8Array[]): Buffer {
  const chunks = pieces
    .filter((piece) => piece.length > 0)
    .flatMap((piece) => [`${piece.length.toString(16)};x=y\r\n`, piece, '\r\n']);
  return Buffer.concat([...chunks, '0\r\nx-trailer: t\r\n\r\n'].map((part) => Buffer.from(part)));
}

async function joined(body: RequestBody): Promise<Buffer> {
  return Buffer.concat(await body.parts());
}

/** Cut at any places. */
function cut(bytes: Buffer, points: readonly number[]): Buffer[] {
  const at = [...new Set(points.map((point) => point % (bytes.length + 1)))].toSorted(
    (one, other) => one - other,
  );
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length));
}

const bytes = fc.uint8Array({ maxLength: 300 });

describe('the body of a request', () => {
  test.each(['asked for first', 'asked for when it is there'])(
    'is the same in chunks and counted, however it is cut, %s',
    async (when) => {
      await fc.assert(
        fc.asyncProperty(fc.array(bytes), fc.array(fc.nat(3_000)), async (pieces, points) => {
          const whole = Buffer.concat(pieces);
          for (const [framing, wire] of [
            ['chunked', chunked(pieces)],
            [whole.length, whole],
          ] as const) {
            const body = new RequestBody(framing, flow());
            const early = when === 'asked for first' ? joined(body) : null;
            let rest = 0;
            for (const part of cut(Buffer.concat([wire, Buffer.from('NEXT')]), points))
              rest += part.length - body.push(part, 0);
            expect(rest).toBe(4);
            expect(body.isWhole).toBe(true);
            expect(await (early ?? joined(body))).toEqual(whole);
          }
        }),
      );
    },
  );

  test.each([
    'zz\r\n',
    '-1\r\n',
    '0x5\r\n',
    '5 5\r\n',
    '\r\n',
    '5\n',
    '3\r\nabcd',
    '3\r\nabc\n',
    'ffffffffffffffffff\r\n',
    '0\r\nabc\n\r\n',
  ])('is refused in chunks that are none: %j', (wire) => {
    for (const parts of [[wire], wire.split('')]) {
      const body = new RequestBody('chunked', flow());
      const push = () => parts.forEach((part) => body.push(Buffer.from(part), 0));
      expect(push).toThrow('its chunks are not as they should be');
    }
  });

  test('in chunks is refused for too much between them, and not for how small they are', () => {
    const body = new RequestBody('chunked', flow());
    const drip = Buffer.from(`1;${'x'.repeat(1_000)}\r\na\r\n`);
    expect(() => {
      for (let sent = 0; sent < 100; sent++) body.push(drip, 0);
    }).toThrow('more between its chunks than in them');
    const bytewise = new RequestBody('chunked', flow());
    for (let sent = 0; sent < 100_000; sent++) bytewise.push(Buffer.from('1\r\na\r\n'), 0);
    bytewise.push(Buffer.from('0\r\n\r\n'), 0);
    expect(bytewise.isWhole).toBe(true);
  });

  test('is held back while nobody asks, and comes on when somebody does', async () => {
    const seen = flow();
    const body = new RequestBody(3 * UNASKED_BODY_BYTES, seen);
    const third = Buffer.alloc(UNASKED_BODY_BYTES, 'a');
    body.push(third, 0);
    expect(seen.calls).toEqual([]);
    body.push(third, 0);
    expect(seen.calls).toEqual(['pause']);
    const asked = joined(body);
    expect(seen.calls).toEqual(['pause', 'goOn', 'resume']);
    body.push(third, 0);
    expect((await asked).length).toBe(3 * UNASKED_BODY_BYTES);
  });

  test('in single bytes is kept in few parts', async () => {
    const length = 100_000;
    for (const framing of ['chunked', length] as const) {
      const body = new RequestBody(framing, flow());
      const asked = body.parts();
      const byte = Buffer.from(framing === 'chunked' ? '1\r\nx\r\n' : 'x');
      for (let sent = 0; sent < length; sent++) body.push(byte, 0);
      if (framing === 'chunked') body.push(Buffer.from('0\r\n\r\n'), 0);
      const parts = await asked;
      expect(Buffer.concat(parts).toString()).toBe('x'.repeat(length));
      expect(parts.length).toBeLessThan(length / SMALL_BODY_PIECE_BYTES);
    }
  });

  test('that breaks off rejects whoever waits, and whoever asks later', async () => {
    const body = new RequestBody(10, flow());
    const asked = joined(body);
    body.push(Buffer.from('abc'), 0);
    body.broke(new Error('cut'));
    expect(await asked.catch(String)).toBe('Error: cut');
    expect(await joined(body).catch(String)).toBe('Error: cut');
  });

  test('in chunks is refused by whoever counts it, before and while it comes', async () => {
    for (const isEarly of [true, false]) {
      const body = new RequestBody('chunked', flow());
      const refuse = (): never => {
        throw new RangeError('too much');
      };
      const piece = Buffer.from('3\r\nabc\r\n');
      if (isEarly) body.push(piece, 0);
      const asked = body.parts(refuse).catch(String);
      if (!isEarly) body.push(piece, 0);
      expect(await asked).toBe('RangeError: too much');
      // What follows goes by.
      expect(body.push(Buffer.from('0\r\n\r\nGET'), 0)).toBe(5);
    }
  });
});
