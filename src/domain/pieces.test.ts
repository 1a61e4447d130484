// Streams of pieces: pulled or driven, in part or from the beginning, they are the same.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { driveInto, END, piecesOf, startingWith, type Pieces } from './pieces.ts';
import { through, type Stage } from './stages.ts';

interface Seen {
  readonly pieces: string[];
  readonly end: string;
}

/** These pieces, and then the end or this failure; `left` counts how often the reader left. */
function spring(values: readonly string[], failure?: string) {
  let at = 0;
  const left = { count: 0 };
  const pieces = piecesOf<string>({
    async next() {
      const value = values[at++];
      if (value !== undefined) return { done: false, value };
      if (failure !== undefined) throw new Error(failure);
      return END;
    },
    close: () => void left.count++,
  });
  return { pieces, left };
}

/** Pulls so many pieces, and has the rest driven. */
async function read(source: Pieces<string>, pulls: number, isSlow = false): Promise<Seen> {
  const pieces: string[] = [];
  try {
    for (let nth = 0; nth < pulls; nth++) {
      const { done, value } = await source.next();
      if (done) return { pieces, end: 'end' };
      pieces.push(value);
    }
    await new Promise<void>((resolve, reject) => {
      driveInto(source, {
        take(piece) {
          pieces.push(piece);
          return isSlow ? Promise.resolve() : undefined;
        },
        end: resolve,
        fail: reject,
      });
    });
    return { pieces, end: 'end' };
  } catch (error) {
    return { pieces, end: error instanceof Error ? error.message : String(error) };
  }
}

/** Marks pieces, leaves out empty ones, and ends at a full stop. */
function stage(): Stage<string, string> & { closed: number } {
  let isOver = false;
  return {
    closed: 0,
    take(piece) {
      if (piece === '!') throw new Error('broken');
      isOver = piece === '.';
      return piece === '' ? null : `<${piece}>`;
    },
    ending: () => (isOver ? {} : null),
    end: () => 'last',
    failed(error) {
      if (error instanceof Error && error.message === 'cut') return 'cut off';
      throw error;
    },
    close() {
      this.closed++;
    },
  };
}

describe('a stage', () => {
  test('makes the same of its source however much is pulled before it is driven, and closes once', async () => {
    const values = fc.array(fc.constantFrom('a', 'b', '', '.', '!'), { maxLength: 8 });
    const failure = fc.constantFrom(undefined, 'cut', 'other');
    await fc.assert(
      fc.asyncProperty(
        fc.record({ all: values, how: failure, pulls: fc.nat(9), isSlow: fc.boolean() }),
        async ({ all, how, pulls, isSlow }) => {
          const pulled = stage();
          const whole = await read(through(spring(all, how).pieces, pulled), 99);
          const driven = stage();
          const seen = await read(through(spring(all, how).pieces, driven), pulls, isSlow);
          expect(seen).toEqual(whole);
          expect([pulled.closed, driven.closed]).toEqual([1, 1]);
        },
      ),
    );
  });

  test('that ends before its source lets the source go', async () => {
    for (const pulls of [0, 99]) {
      const { pieces, left } = spring(['a', '.', 'b']);
      expect(await read(through(pieces, stage()), pulls)).toEqual({
        pieces: ['<a>', '<.>'],
        end: 'end',
      });
      expect(left.count).toBe(1);
    }
  });

  test('whose reader leaves, before the first piece or later, lets the source go and closes', async () => {
    for (const pulls of [0, 1]) {
      const { pieces, left } = spring(['a', 'b']);
      const middle = stage();
      const staged = through(pieces, middle);
      for (let nth = 0; nth < pulls; nth++) await staged.next();
      await staged.return();
      expect([left.count, middle.closed]).toEqual([1, 1]);
      expect(await staged.next()).toEqual(END);
    }
  });
});

test('the last words of a stage come with the end to a sink that takes them so, and before it to others', () => {
  for (const takesBoth of [true, false]) {
    const told: string[] = [];
    const source = piecesOf<string>({
      next: () => Promise.resolve(END),
      drive(sink) {
        void sink.take('one');
        sink.end();
      },
      close() {},
    });
    driveInto(through<string, string>(source, { take: (piece) => piece, end: () => 'last' }), {
      take: (piece) => void told.push(piece),
      end: () => void told.push('END'),
      fail: (error) => void told.push(String(error)),
      ...(takesBoth && { endWith: (last: string) => void told.push(`${last} END`) }),
    });
    expect(told).toEqual(takesBoth ? ['one', 'last END'] : ['one', 'last', 'END']);
  }
});

test('what was held back comes first', async () => {
  for (const pulls of [0, 1, 3, 99]) {
    const source = startingWith(['a', 'b'], spring(['c', 'd']).pieces);
    expect(await read(source, pulls, pulls === 0)).toEqual({
      pieces: ['a', 'b', 'c', 'd'],
      end: 'end',
    });
  }
});
