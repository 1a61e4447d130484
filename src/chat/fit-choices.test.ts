import { describe, expect, test } from 'bun:test';
import type { Completion } from '../providers/provider.ts';
import { fitChoices } from './fit-choices.ts';

interface Call {
  readonly id?: string;
  readonly index?: number;
  readonly name?: string;
  readonly args?: string;
}

/** The index of each call that is shown, chunk by chunk; null for a chunk that stays as it is. */
function shownIndexes(chunks: readonly (readonly Call[])[]): (number[] | null)[] {
  const index = fitChoices();
  return chunks.map((calls) => {
    const json = index(chunkOf(calls));
    if (json === null) return null;
    const [choice] = JSON.parse(json) as [{ delta: { tool_calls: { index: number }[] } }];
    return choice.delta.tool_calls.map((call) => call.index);
  });
}

function chunkOf(calls: readonly Call[], choice = 0): Completion {
  const tool_calls = calls.map(({ name, args = '', ...rest }) => ({
    ...rest,
    function: { ...(name === undefined ? {} : { name }), arguments: args },
  }));
  return { choices: [{ index: choice, delta: { tool_calls } }] };
}

describe('tool calls', () => {
  test('keep their indexes where they have them, wherever those begin', () => {
    const begin = (index: number) => [{ id: `call_${index}`, index, name: 'f' }];
    const more = (index: number) => [{ index, args: '{}' }];
    expect(shownIndexes([begin(0), more(0), begin(1), more(1), more(0)])).toEqual(
      Array<null>(5).fill(null),
    );
    expect(shownIndexes([begin(1), more(1), begin(2)])).toEqual(Array<null>(3).fill(null));
  });

  test('get one where there is none: each its own, over chunks and within one', () => {
    const first = { id: 'a', name: 'f', args: '{}' };
    const second = { id: 'b', name: 'f', args: '{}' };
    expect(shownIndexes([[first], [second]])).toEqual([[0], [1]]);
    expect(shownIndexes([[first, second]])).toEqual([[0, 1]]);
  });

  test('that come in pieces without an index stay one call', () => {
    expect(
      shownIndexes([[{ id: 'a', name: 'f' }], [{ args: '{' }], [{ id: 'a', args: '}' }]]),
    ).toEqual([[0], [0], [0]]);
  });

  test('that are all called 0 are told apart, each with its pieces', () => {
    const begin = (id: string) => [{ id, index: 0, name: 'f' }];
    const more = [{ index: 0, args: '{}' }];
    expect(shownIndexes([begin('a'), more, begin('b'), more])).toEqual([null, null, [1], [1]]);
  });

  test('with an id made up for every piece are one call', () => {
    expect(
      shownIndexes([[{ id: 'a', index: 0, name: 'f' }], [{ id: 'b', index: 0, args: '{}' }]]),
    ).toEqual([null, null]);
  });

  test('of several choices are counted for each', () => {
    const index = fitChoices();
    for (const choice of [0, 1]) {
      expect(index(chunkOf([{ id: `call_${choice}`, name: 'f' }], choice))).toContain(
        '"index":0}]',
      );
    }
  });

  test('leave everything else in their choice as it is', () => {
    const chunk = chunkOf([{ id: 'a', name: 'f', args: '{"a":1}' }]);
    expect(JSON.parse(fitChoices()(chunk) ?? '')).toEqual([
      {
        index: 0,
        delta: {
          tool_calls: [{ id: 'a', index: 0, function: { name: 'f', arguments: '{"a":1}' } }],
        },
      },
    ]);
  });

  test('are not looked for in chunks without any', () => {
    const index = fitChoices();
    expect(index({ choices: [{ index: 0, delta: { content: 'x' } }] })).toBeNull();
    expect(index({ choices: [] })).toBeNull();
    expect(index({ choices: [{ index: 0, message: { tool_calls: [{ id: 'a' }] } }] })).toBeNull();
  });
});

describe('a choice without a delta', () => {
  test('gets an empty one, and keeps what it has; one of a whole reply is left alone', () => {
    const choice = { index: 0, finish_reason: null, content_filter_results: { hate: {} } };
    expect(JSON.parse(fitChoices()({ choices: [choice] }) ?? '')).toEqual([
      { ...choice, delta: {} },
    ]);
    expect(fitChoices()({ choices: [{ index: 0, delta: null }] })).toBeNull();
    expect(fitChoices()({ choices: [{ index: 0, message: { content: 'x' } }] })).toBeNull();
  });
});
