// An answer put together from the chunks of a stream.
import { describe, expect, test } from 'bun:test';
import { GrowingAnswer } from './answer.ts';

const delta = (value: object, finish_reason: string | null = null) => ({
  choices: [{ index: 0, delta: value, finish_reason }],
});

function answerOf(...chunks: Record<string, unknown>[]): GrowingAnswer {
  const answer = new GrowingAnswer();
  for (const chunk of chunks) answer.take(chunk);
  return answer;
}

describe('an answer', () => {
  test('joins text, thoughts and the pieces of tool calls', () => {
    const { message, finishReason } = answerOf(
      delta({ role: 'assistant', content: '' }),
      delta({ reasoning: 'Let me ' }),
      delta({ reasoning: 'see.' }),
      delta({ content: 'I ' }),
      delta({ content: 'ask.' }),
      delta({ tool_calls: [{ index: 1, id: 'b', function: { name: 'g', arguments: '{' } }] }),
      delta({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } }] }),
      delta({ tool_calls: [{ index: 1, function: { arguments: '}' } }] }),
      delta({}, 'tool_calls'),
    );
    expect(finishReason).toBe('tool_calls');
    expect(message).toEqual({
      role: 'assistant',
      content: 'I ask.',
      reasoning_content: 'Let me see.',
      tool_calls: [
        { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } },
        { id: 'b', type: 'function', function: { name: 'g', arguments: '{}' } },
      ],
    });
  });

  test('that is nothing but calls has no content', () => {
    const call = { index: 0, id: 'a', function: { name: 'f', arguments: '{}' } };
    expect(answerOf(delta({ tool_calls: [call] })).message.content).toBeNull();
  });

  test('begins anew with a snapshot', () => {
    const answer = answerOf(delta({ content: 'half' }));
    answer.take(delta({ content: 'half and half' }, 'stop'), true);
    expect(answer.text).toBe('half and half');
  });

  test('reads usage as far as it is told', () => {
    const usage = {
      prompt_tokens: 9,
      completion_tokens: 2,
      prompt_tokens_details: { cached_tokens: 4 },
    };
    expect(answerOf({ choices: [], usage }).usage).toEqual({
      promptTokens: 9,
      completionTokens: 2,
      cachedTokens: 4,
      expectedCachedTokens: null,
    });
  });

  test.each([
    { choices: null },
    { choices: [null] },
    { choices: [{ delta: 'text' }] },
    delta({
      content: 7,
      images: [{ image_url: 'x' }, null],
      tool_calls: ['x', { index: -1 }, { index: 1e9 }],
    }),
    { usage: 'much' },
  ])('takes %j for nothing', (chunk) => {
    const answer = answerOf(chunk);
    expect([answer.hasBegun, answer.usage]).toEqual([false, null]);
  });
});
