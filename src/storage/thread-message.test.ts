// What is sent to the writer's thread is what arrives there, as text or not.
import { expect, test } from 'bun:test';
import {
  ending,
  firstTurn,
  newBlob,
  newNode,
  newScope,
} from '../conversations/contract/samples.ts';
import { packed, unpacked } from './thread-message.ts';
import type { Command, ToWriter } from './writer-protocol.ts';

const batchOf = (...commands: Command[]): ToWriter => ({
  type: 'batch',
  batch: { commands, abandoned: ['turn_lost'], waitedMs: 0.25 },
});
const append = (payload: string): Command => ({
  kind: 'append',
  input: [{ turnId: 'turn_1', seq: 0, payload }],
});

test('a short batch goes as text and comes as it was', () => {
  const turn = firstTurn(newScope(), {
    input: [newNode(null, 'user', '日本 😀 "\\ \u0000 \ud800')],
  });
  const end: Command = { kind: 'finish', input: ending(turn) };
  const message = batchOf({ kind: 'accept', input: turn }, append('{"a":"\\n"}'), end);
  const sent = packed(message);
  expect(typeof sent).toBe('string');
  expect(unpacked(sent)).toEqual(message);
});

test('what holds bytes, and what is long, goes as it is', () => {
  const turn = firstTurn(newScope(), { blobs: [newBlob('a picture')] });
  const drawn = ending(turn, { blobs: [newBlob('another')] });
  const commands: Command[] = [
    { kind: 'accept', input: turn },
    { kind: 'finish', input: drawn },
    append('x'.repeat(100_000)),
  ];
  for (const command of commands) {
    const message = batchOf(append('short'), command);
    expect(packed(message)).toBe(message);
    expect(unpacked(message)).toBe(message);
  }
});
