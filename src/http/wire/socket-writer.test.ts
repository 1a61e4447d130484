import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { UNREAD_REPLY_BYTES } from '../../domain/limits.ts';
import { SocketWriter } from './socket-writer.ts';

/** A socket that takes as many bytes of each write as it is told to. */
function socketTaking(counts: readonly number[]) {
  const taken: Buffer[] = [];
  let nth = 0;
  return {
    text: () => Buffer.concat(taken).toString(),
    write(data: string | Uint8Array): number {
      const bytes = Buffer.from(data as Uint8Array);
      const count = Math.min(bytes.length, counts[nth++] ?? bytes.length);
      taken.push(Buffer.from(bytes.subarray(0, count)));
      return count;
    },
  };
}

test('whatever a socket takes at a time, all goes out in its order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme' })),
      fc.array(fc.nat(20)),
      (texts, counts) => {
        const socket = socketTaking(counts);
        const writer = new SocketWriter(socket);
        for (const [nth, text] of texts.entries()) {
          const data = nth % 2 === 0 ? text : Buffer.from(text);
          writer.write(data, Buffer.byteLength(text));
        }
        while (!writer.isFlushed) writer.drain();
        expect(socket.text()).toBe(texts.join(''));
      },
    ),
  );
});

test('it is full when more waits than a client should be behind, and not before', () => {
  const writer = new SocketWriter(socketTaking([0, UNREAD_REPLY_BYTES, 0]));
  writer.write('x'.repeat(UNREAD_REPLY_BYTES), UNREAD_REPLY_BYTES);
  expect([writer.isFull, writer.isFlushed]).toEqual([false, false]);
  writer.write('x', 1);
  expect(writer.isFull).toBe(true);
  writer.drain();
  expect([writer.isFull, writer.isFlushed]).toEqual([false, false]);
});

test('what a closed socket is given is dropped', () => {
  const writer = new SocketWriter({ write: () => -1 });
  writer.write('x', 1);
  expect(writer.isFlushed).toBe(true);
});
