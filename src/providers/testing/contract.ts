// The suite that every dialect passes with its recorded replies: however the network cuts them, the same events or
// the same error come out; and an answer that is cut off is never taken for a whole one.
import { describe, expect, test } from 'bun:test';
import {
  chunksOf,
  fixture,
  oneByOne,
  replay,
  textOf,
  type Outcome,
} from '../../../test/harness/replay.ts';

/** A stream that fails in the middle: the error, and the text that had come before it. */
export interface Failing {
  readonly code: string;
  readonly says: string;
  readonly text: string;
}

export interface RecordedReplies {
  readonly kind: string;
  /** What each streamed fixture comes to. */
  readonly streams: Readonly<Record<string, (outcome: Outcome) => void>>;
  readonly failingStreams: Readonly<Record<string, Failing>>;
  readonly whole: Readonly<Record<string, (outcome: Outcome) => void>>;
  /** How a stream says that it is done: of these characters any number may be missing. */
  readonly ending: string;
}

const CUT_OFF = ['upstream_interrupted', 'upstream_protocol_error'];

export function describeRecordedReplies(replies: RecordedReplies): void {
  describe('every recorded stream', () => testStreams(replies));
  describe('every stream that fails', () => testFailingStreams(replies));
  describe('every reply in one piece', () => testWholeReplies(replies));
}

function testStreams({ kind, streams, ending }: RecordedReplies): void {
  const asked = { stream: true, kind };
  for (const [name, expected] of Object.entries(streams)) {
    test(`${name} comes out the same wherever it is cut in two, and byte by byte`, async () => {
      const bytes = fixture(name);
      const whole = await replay([bytes], asked);
      expect(whole.error).toBeNull();
      expected(whole);
      await expectSameForEveryCut(bytes, { ...asked, whole });
    });

    test(`${name} is an error when it ends anywhere before its last finish reason, and complete after it`, async () => {
      const bytes = fixture(name);
      const whole = await replay([bytes], asked);
      const finished = whole.json.findLastIndex((json) => /"finish_reason":"/.test(json)) + 1;
      let completeEnds = 0;
      for (let end = 0; end < bytes.length; end++) {
        const { json, error } = await replay([bytes.subarray(0, end)], asked);
        expect(json).toEqual(whole.json.slice(0, json.length));
        if (json.length >= finished) {
          expect(error).toBeNull();
          completeEnds++;
        } else {
          expect(CUT_OFF).toContain(String(error?.code));
        }
      }
      expect(completeEnds).toBeGreaterThanOrEqual(ending.length);
    });
  }
}

function testFailingStreams({ kind, failingStreams }: RecordedReplies): void {
  const asked = { stream: true, kind };
  for (const [name, expected] of Object.entries(failingStreams)) {
    test(`${name} gives the same error and the same text before it, wherever it is cut`, async () => {
      const bytes = fixture(name);
      const whole = await replay([bytes], asked);
      expect(whole.error?.code).toBe(expected.code);
      expect(whole.error?.message).toContain(expected.says);
      expect(textOf(whole)).toBe(expected.text);
      await expectSameForEveryCut(bytes, { ...asked, whole });
    });

    test(`${name} is an error, too, when it ends anywhere`, async () => {
      const bytes = fixture(name);
      for (let end = 0; end < bytes.length; end++) {
        const { error } = await replay([bytes.subarray(0, end)], asked);
        expect([...CUT_OFF, expected.code]).toContain(String(error?.code));
      }
    });
  }
}

function testWholeReplies({ kind, whole: replies }: RecordedReplies): void {
  const asked = { stream: false, kind };
  for (const [name, expected] of Object.entries(replies)) {
    test(`${name} comes out the same wherever it is cut, and is an error when it ends early`, async () => {
      const bytes = fixture(name);
      const whole = await replay([bytes], asked);
      expected(whole);
      await expectSameForEveryCut(bytes, { ...asked, whole });
      for (let end = 0; end < bytes.length; end++) {
        const { error } = await replay([bytes.subarray(0, end)], asked);
        expect(CUT_OFF).toContain(String(error?.code));
      }
    });
  }
}

async function expectSameForEveryCut(
  bytes: Uint8Array,
  { whole, ...asked }: { stream: boolean; kind: string; whole: Outcome },
): Promise<void> {
  for (let at = 1; at < bytes.length; at++) {
    const pieces = [bytes.subarray(0, at), bytes.subarray(at)];
    expect(await replay(pieces, asked)).toEqual(whole);
  }
  expect(await replay(oneByOne(bytes), asked)).toEqual(whole);
}

export function finishReasons(outcome: Outcome): string[] {
  return chunksOf(outcome)
    .flatMap(({ choices = [] }) => choices.map(({ finish_reason }) => finish_reason ?? ''))
    .filter(Boolean);
}

/** The arguments in each delta of a tool call, in order. */
export function toolArguments(outcome: Outcome): unknown[] {
  return chunksOf(outcome)
    .flatMap(({ choices = [] }) => choices.flatMap(({ delta }) => delta?.['tool_calls'] ?? []))
    .map((call) => (call as { function: { arguments: unknown } }).function.arguments);
}
