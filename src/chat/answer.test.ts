import { describe, expect, test } from 'bun:test';
import type { Completion } from '../providers/provider.ts';
import { answerCompletion, answerNode, EMPTY_ANSWER, isVisible, withChunk } from './answer.ts';

const delta = (members: object, finish: string | null = null): Completion => ({
  id: 'c1',
  object: 'chat.completion.chunk',
  created: 5,
  model: 'upstream-model',
  choices: [{ index: 0, delta: { ...members }, finish_reason: finish }],
});

const merged = (...chunks: Completion[]) => chunks.reduce(withChunk, EMPTY_ANSWER);
const calls = (...deltas: object[]) =>
  merged(...deltas.map((one) => delta({ tool_calls: [one] }))).toolCalls.map(
    ({ id, function: { name, arguments: args } }) => `${id}:${name}(${args})`,
  );
const begin = (id: string, name: string, args = '') => ({
  id,
  type: 'function',
  function: { name, arguments: args },
});
const more = (args: string) => ({ function: { arguments: args } });

describe('texts', () => {
  test('are joined, and a character that two chunks share is whole', () => {
    const answer = merged(delta({ content: 'a\ud83d' }), delta({ content: '\ude00' }));
    expect(answer.content).toBe('a😀');
    expect(answerNode(answer, 1).node.text).toBe('a😀');
  });

  test('that are null or missing add nothing', () => {
    const answer = merged(delta({ content: null }), delta({ content: 'x' }), delta({}));
    expect(answer.content).toBe('x');
  });

  test('of other choices do not count', () => {
    const other: Completion = { choices: [{ index: 1, delta: { content: 'no' } }] };
    expect(merged(delta({ content: 'yes' }), other).content).toBe('yes');
  });

  test('lose half characters for good when they are sealed', () => {
    const { node } = answerNode(merged(delta({ content: '\ud800x' })), 1);
    expect(node.text).toBe('\ufffdx');
    expect(JSON.parse(node.wire)).toEqual({ role: 'assistant', content: '\ufffdx' });
  });
});

describe('tool calls', () => {
  test('are put together by index', () => {
    expect(
      calls(
        { index: 0, ...begin('a', 'f') },
        { index: 1, ...begin('b', 'g', '{') },
        { index: 0, ...more('{"x":1}') },
        { index: 1, ...more('}') },
      ),
    ).toEqual(['a:f({"x":1})', 'b:g({})']);
  });

  test('may come without an index: an id begins one, none continues the last', () => {
    expect(calls(begin('a', 'f', '1'), begin('b', 'g', '2'), more('3'))).toEqual([
      'a:f(1)',
      'b:g(23)',
    ]);
    expect(calls(begin('a', 'f', '1'), begin('b', 'g'), { id: 'a', ...more('2') })).toEqual([
      'a:f(12)',
      'b:g()',
    ]);
  });

  test('may all have index 0', () => {
    expect(
      calls(
        { index: 0, ...begin('a', 'f', '1') },
        { index: 0, ...begin('b', 'f', '2') },
        { index: 0, ...more('3') },
      ),
    ).toEqual(['a:f(1)', 'b:f(23)']);
  });

  test('need not be counted from 0', () => {
    expect(
      calls(
        { index: 1, ...begin('a', 'f') },
        { index: 1, ...more('1') },
        { index: 7, ...begin('b', 'g') },
        { index: 7, ...more('2') },
        { index: 1, ...more('3') },
      ),
    ).toEqual(['a:f(13)', 'b:g(2)']);
  });

  test('may have a new id in every fragment: the first one counts', () => {
    expect(
      calls({ index: 0, ...begin('a', 'f', '1') }, { index: 0, id: 'x', ...more('2') }),
    ).toEqual(['a:f(12)']);
  });

  test('without an id are given one each, so that results can name them', () => {
    expect(calls({ index: 0, function: { name: 'f' } }, { index: 1, ...begin('', 'g') })).toEqual([
      'call_0:f()',
      'call_1:g()',
    ]);
  });

  test('keep members that nobody knows, in the sealed message too', () => {
    const extra_content = { google: { thought_signature: 's' } };
    const answer = merged(
      delta({ tool_calls: [{ index: 0, ...begin('a', 'f', '{}'), extra_content }] }),
    );
    expect(JSON.parse(answerNode(answer, 1).node.wire)).toEqual({
      role: 'assistant',
      content: null,
      tool_calls: [{ ...begin('a', 'f', '{}'), extra_content }],
    });
  });

  test('that are no objects are passed over', () => {
    expect(merged(delta({ tool_calls: [null, 'x', 3] })).toolCalls).toEqual([]);
    expect(merged(delta({ tool_calls: 'x' })).toolCalls).toEqual([]);
  });
});

describe('the rest', () => {
  test('of a message is kept: texts joined, lists appended, null passed over', () => {
    const answer = merged(
      delta({ reasoning: 'a', refusal: null, reasoning_details: [1], audio: { id: 1 } }),
      delta({ reasoning: 'b', reasoning_details: [2], audio: { id: 2 } }),
    );
    expect(answer.extra).toEqual({ reasoning: 'ab', reasoning_details: [1, 2], audio: { id: 2 } });
    expect(answerNode(answer, 1).node.extra).toBe(JSON.stringify(answer.extra));
    expect(answerNode(merged(delta({ content: 'x' })), 1).node.extra).toBeNull();
  });

  test('the first id and time that are any count', () => {
    const answer = merged({ id: '', created: 0, choices: [] }, delta({ content: 'x' }));
    expect([answer.id, answer.created]).toEqual(['c1', 5]);
  });

  test('the first finish reason and the last usage count', () => {
    const usage = (completion_tokens: number) => ({
      choices: [],
      usage: { prompt_tokens: 1, completion_tokens, total_tokens: 1 + completion_tokens },
    });
    const answer = merged(delta({}, 'stop'), usage(1), delta({}, 'length'), usage(2));
    expect(answer.finishReason).toBe('stop');
    expect(answer.usage?.completion_tokens).toBe(2);
  });

  test('only text, tool calls and images are seen by a person', () => {
    expect(isVisible(EMPTY_ANSWER)).toBe(false);
    expect(isVisible(merged(delta({ reasoning: 'x' })))).toBe(false);
    expect(isVisible(merged(delta({ content: ' ' })))).toBe(true);
    expect(isVisible(merged(delta({ images: [{}] })))).toBe(true);
    expect(isVisible(merged(delta({ tool_calls: [begin('a', 'f')] })))).toBe(true);
  });
});

test('the whole reply has the alias, the ids of the turn, and what the upstream added', () => {
  const names = { alias: 'alias', conversationId: 'conv_1', turnId: 'turn_1' };
  const chunk = {
    ...delta({ content: 'x', reasoning: 'r' }, 'stop'),
    timings: { n: 1 },
    turn_id: 'no',
  };
  expect(JSON.parse(answerCompletion(merged(chunk), names))).toEqual({
    id: 'c1',
    object: 'chat.completion',
    created: 5,
    model: 'alias',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'x', refusal: null, reasoning: 'r' },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
    timings: { n: 1 },
    conversation_id: 'conv_1',
    turn_id: 'turn_1',
  });
  const bare = JSON.parse(answerCompletion(EMPTY_ANSWER, names)) as object;
  expect(bare).toMatchObject({ id: 'chatcmpl-turn_1', choices: [{ message: { content: '' } }] });
});
