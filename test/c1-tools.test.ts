// Tools in conversations: calls in one turn, their results in the next.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { startDemoEngine } from '../src/demo/engine.ts';
import {
  chat,
  conversation,
  errorOf,
  framesOf,
  gif,
  said,
  sentMember,
  sentMessages,
} from './harness/c1.ts';
import {
  chunk,
  configFor,
  replyJson,
  replySse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream));
});
beforeEach(() => {
  upstream.script = (call) => replySse(call, streamOf(['ok']));
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const lastPrompt = () => sentMessages(upstream.calls.at(-1));
const call = (id: string, args = '{}') => ({
  id,
  type: 'function',
  function: { name: 'f', arguments: args },
});

/** A conversation whose last answer calls these tools. */
async function calling(deltas: readonly object[]): Promise<string> {
  upstream.script = (asked) =>
    replySse(asked, [...deltas.map((delta) => chunk(delta)), chunk({}, 'tool_calls'), '[DONE]']);
  const { conversation_id } = await said(gateway, { message: 'use the tools' });
  upstream.script = (asked) => replySse(asked, streamOf(['done']));
  return conversation_id;
}

describe('a turn that calls tools', () => {
  test('goes on with tool_results: call, result and answer stand in the history', async () => {
    const demo = startDemoEngine({ tokenDelayMs: 0 });
    const server = await startGateway(configFor(demo));
    const weather = {
      type: 'function',
      function: {
        name: 'get_weather',
        parameters: {
          type: 'object',
          properties: { city: { type: 'string' } },
          required: ['city'],
        },
      },
    };
    const asked = await said(server, {
      message: 'What is the weather in Paris?',
      tools: [weather],
    });
    expect(asked.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { role: 'assistant', content: null },
    });
    const [made] = asked.choices[0].message.tool_calls ?? [];
    expect(made?.function).toEqual({ name: 'get_weather', arguments: '{"city":"Paris"}' });

    const { conversation_id } = asked;
    const answered = await said(server, {
      conversation_id,
      tool_results: [{ tool_call_id: made?.id, content: '{"sky":"clear"}' }],
    });
    expect(answered.choices[0].message.content).toContain('clear');
    const stored = await conversation(server, conversation_id);
    expect(stored.messages.map(({ role }) => role)).toEqual([
      'user',
      'assistant',
      'tool',
      'assistant',
    ]);
    expect(stored).toMatchObject({ message_count: 4, tools: [weather] });
    await server.close();
    await demo.close();
  });

  test('shows its fragments as they come, and keeps them joined', async () => {
    upstream.script = (asked) =>
      replySse(asked, [
        chunk({ tool_calls: [{ index: 0, ...call('a', '') }] }),
        chunk({ tool_calls: [{ index: 1, ...call('b', '{"y":') }] }),
        chunk({ tool_calls: [{ index: 0, function: { arguments: '{"x"' } }] }),
        chunk({
          tool_calls: [
            { index: 0, function: { arguments: ':1}' } },
            { index: 1, function: { arguments: '2}' } },
          ],
        }),
        chunk({}, 'tool_calls'),
        '[DONE]',
      ]);
    const response = await chat(gateway, { message: 'both', stream: true });
    expect(framesOf(await response.text())).toHaveLength(6);
    const stored = await conversation(gateway, response.headers.get('x-conversation-id') ?? '');
    expect(stored.messages[1]).toMatchObject({
      content: null,
      tool_calls: [call('a', '{"x":1}'), call('b', '{"y":2}')],
    });
  });

  test.each([
    ['without an index, as Gemini does', [{}, {}]],
    ['all under index 0, as Gemini does', [{ index: 0 }, { index: 0 }]],
    ['from index 1 on, as behind Anthropic', [{ index: 1 }, { index: 2 }]],
  ])('keeps parallel calls apart that come %s', async (_, [first, second]) => {
    const signature = { extra_content: { google: { thought_signature: 'c2ln' } } };
    const id = await calling([
      { tool_calls: [{ ...first, ...call('g1', '{"a":1}'), ...signature }] },
      { tool_calls: [{ ...second, ...call('g2', '{"b"') }] },
      { tool_calls: [{ ...second, function: { arguments: ':2}' } }] },
    ]);
    const calls = [{ ...call('g1', '{"a":1}'), ...signature }, call('g2', '{"b":2}')];
    expect((await conversation(gateway, id)).messages[1]?.tool_calls).toEqual(calls);

    await said(gateway, {
      conversation_id: id,
      tool_results: calls.map(({ id: tool_call_id }) => ({ tool_call_id, content: 'r' })),
    });
    expect(lastPrompt()[1]).toEqual({ role: 'assistant', content: null, tool_calls: calls });
  });

  test('whose results come in any order, with images, and with a message behind them', async () => {
    const id = await calling([{ tool_calls: [{ index: 0, ...call('a') }] }]);
    const content = [
      { type: 'text', text: 'a map' },
      { type: 'image_url', image_url: { url: gif(40) } },
    ];
    await said(gateway, {
      conversation_id: id,
      tool_results: [{ tool_call_id: 'a', content }],
      message: 'Explain.',
    });
    expect(lastPrompt().slice(2)).toEqual([
      { role: 'tool', tool_call_id: 'a', content },
      { role: 'user', content: 'Explain.' },
    ]);
  });

  test('is left out of the prompt when the person goes on without its results', async () => {
    const silent = await calling([{ tool_calls: [{ index: 0, ...call('a') }] }]);
    await said(gateway, { conversation_id: silent, message: 'Forget it.' });
    expect(lastPrompt()).toEqual([
      { role: 'user', content: 'use the tools' },
      { role: 'user', content: 'Forget it.' },
    ]);
    const shown = (await conversation(gateway, silent)).messages[1];
    expect(shown?.tool_calls).toEqual([call('a')]);

    const spoken = await calling([
      { content: 'I look.' },
      { tool_calls: [{ index: 0, ...call('a') }] },
    ]);
    await said(gateway, { conversation_id: spoken, message: 'Forget it.' });
    const first = sentMember(upstream.calls.at(-1) ?? { body: '{}' }, 'messages') ?? '';
    expect(lastPrompt()[1]).toEqual({ role: 'assistant', content: 'I look.' });
    await said(gateway, { conversation_id: spoken, message: 'And now?' });
    expect(sentMember(upstream.calls.at(-1) ?? { body: '{}' }, 'messages')).toStartWith(
      first.slice(0, -1),
    );
  });

  test.each([
    [['a'], { code: 'missing_field', param: 'tool_results' }, 'lacks the results of b.'],
    [
      ['a', 'c'],
      { code: 'invalid_field', param: 'tool_results[1].tool_call_id' },
      'no open tool call',
    ],
    [
      ['a', 'b', 'a'],
      { code: 'invalid_field', param: 'tool_results[2].tool_call_id' },
      'no open tool call',
    ],
    [
      ['', 'b'],
      { code: 'invalid_field', param: 'tool_results[0].tool_call_id' },
      'no open tool call',
    ],
  ])('refuses results for %j where a and b were called', async (ids, refusal, why) => {
    const id = await calling([{ tool_calls: [call('a'), call('b')] }]);
    const asked = upstream.calls.length;
    const response = await chat(gateway, {
      conversation_id: id,
      tool_results: ids.map((tool_call_id) => ({ tool_call_id, content: 'r' })),
    });
    expect(response.status).toBe(400);
    const error = await errorOf(response);
    expect(error).toMatchObject(refusal);
    expect(error.message).toContain(why);
    expect(upstream.calls.length).toBe(asked);
    expect((await conversation(gateway, id)).message_count).toBe(2);
  });

  test('results without a call before them are refused', async () => {
    const { conversation_id } = await said(gateway, { message: 'hi' });
    for (const conversationId of [conversation_id, null]) {
      const response = await chat(gateway, {
        conversation_id: conversationId,
        tool_results: [{ tool_call_id: 'a', content: 'r' }],
      });
      expect(response.status).toBe(400);
      expect(await errorOf(response)).toMatchObject({ param: 'tool_results[0].tool_call_id' });
    }
  });

  test('a turn on results that failed can be sent again', async () => {
    const id = await calling([{ tool_calls: [{ index: 0, ...call('a') }] }]);
    const body = { conversation_id: id, tool_results: [{ tool_call_id: 'a', content: 'r' }] };
    upstream.script = (asked) => replyJson(asked, { error: { message: 'no' } }, { status: 500 });
    expect((await chat(gateway, body)).status).toBe(503);
    upstream.script = (asked) => replySse(asked, streamOf(['done']));
    await said(gateway, body);
    expect(lastPrompt().map(({ role }) => role)).toEqual(['user', 'assistant', 'tool']);
  });
});
