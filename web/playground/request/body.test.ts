// The body of a request, of either API.
import { describe, expect, test } from 'bun:test';
import { rememberedBody, statelessBody } from './body.ts';
import { DEFAULT_SETTINGS } from './settings.ts';

const ask = {
  model: 'm',
  settings: { ...DEFAULT_SETTINGS, system: 'Be kind.' },
  text: 'hi',
  images: [],
  toolResults: [],
};
const streamed = { stream: true as const, stream_options: { include_usage: true } };

describe('with memory', () => {
  test('a new conversation is given its system prompt, and one that goes on is not', () => {
    expect(rememberedBody({ ...ask, conversationId: null, hasTools: false })).toEqual({
      model: 'm',
      system: 'Be kind.',
      message: 'hi',
      ...streamed,
    });
    expect(rememberedBody({ ...ask, conversationId: 'c', hasTools: false })).toEqual({
      model: 'm',
      conversation_id: 'c',
      message: 'hi',
      ...streamed,
    });
  });

  test('a branch names its parent, also where that is the beginning', () => {
    const body = rememberedBody({ ...ask, conversationId: 'c', parent: null, hasTools: false });
    expect(body).toMatchObject({ parent: null });
    expect(
      rememberedBody({ ...ask, conversationId: null, parent: null, hasTools: false }),
    ).not.toHaveProperty('parent');
  });

  test('tools that were taken off are taken away with an empty list', () => {
    expect(rememberedBody({ ...ask, conversationId: 'c', hasTools: true })).toMatchObject({
      tools: [],
    });
  });
});

describe('without memory', () => {
  test('the history goes with it, in OpenAI’s shape and nothing more', () => {
    const history = [
      { id: 'local-1', parent: null, role: 'user' as const, content: 'one' },
      {
        id: 'local-2',
        parent: 'local-1',
        role: 'assistant' as const,
        content: 'two',
        reasoning_content: 'hm',
      },
    ];
    const body = statelessBody({ ...ask, images: ['data:image/png;base64,AA=='] }, history);
    expect(body.messages).toEqual([
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'two' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'hi' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } },
        ],
      },
    ]);
  });

  test('tool results stand before the question', () => {
    const toolResults = [{ tool_call_id: 'a', content: '21' }];
    expect(statelessBody({ ...ask, toolResults }, []).messages.slice(1)).toEqual([
      { role: 'tool', tool_call_id: 'a', content: '21' },
      { role: 'user', content: 'hi' },
    ]);
  });
});
