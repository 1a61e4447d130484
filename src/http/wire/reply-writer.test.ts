// The body of a streamed reply on the wire: whether it is sent as text or as bytes, a client gets the same.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { ROOM_BEFORE, ROOM_BEHIND, type BodyWriter } from '../../domain/stream-body.ts';
import { createReplyParser } from '../../providers/http1-reply.ts';
import { ReplyHeaders } from './reply.ts';
import { StreamWriter } from './reply-writer.ts';
import { SocketWriter } from './socket-writer.ts';

/** What a socket is given of a stream that `send` writes. */
function sent(send: (out: BodyWriter) => void, takesChunks: boolean): string {
  let bytes = '';
  const socket = new SocketWriter({
    write(data, from = 0, length) {
      const part = Buffer.from(data as Uint8Array).subarray(from, length && from + length);
      bytes += part.toString('latin1');
      return part.length;
    },
  });
  const body = { begin: send, onRoom() {}, onGone() {} };
  const form = { hasBody: true, isLast: true, takesChunks, onEnd() {} };
  new StreamWriter(socket, { status: 200, headers: new ReplyHeaders(), body }, form).begin();
  return bytes;
}

for (const takesChunks of [true, false]) {
  test(`bytes are sent as their text is, ${takesChunks ? 'in chunks' : 'up to the end'}`, () => {
    const length = fc.oneof(fc.nat(40), fc.constantFrom(255, 256, 4_095, 4_096, 65_536));
    const piece = fc.tuple(fc.string({ unit: 'grapheme', minLength: 1 }), length, fc.boolean());
    fc.assert(
      fc.property(fc.array(piece), fc.string({ unit: 'grapheme' }), (pieces, end) => {
        const texts = pieces.map(([text, more]) => text.toWellFormed() + 'x'.repeat(more));
        const last = end.toWellFormed();
        const wire = sent((out) => {
          for (const [nth, text] of texts.entries()) {
            const bytes = Buffer.from(text);
            const buffer = Buffer.alloc(ROOM_BEFORE + bytes.length + ROOM_BEHIND);
            buffer.set(bytes, ROOM_BEFORE);
            if (pieces[nth]?.[2]) out.writeBytes(buffer, ROOM_BEFORE, ROOM_BEFORE + bytes.length);
            else out.write(text);
          }
          out.end(last);
        }, takesChunks);
        const parser = createReplyParser();
        const read = parser.push(Buffer.from(wire, 'latin1')).toString();
        if (!takesChunks) parser.end();
        expect(read).toBe(texts.join('') + last);
        expect(parser.isWhole()).toBe(true);
      }),
    );
  });
}
