// OpenAI's messages as Anthropic's: roles, content, tool calls and their results.
import { describe, expect, test } from 'bun:test';
import { HI, refusal, sent, sentText } from './testing/sent.ts';

const EPHEMERAL = { type: 'ephemeral' };
const PNG = 'data:image/png;base64,iVBORw0KGgo=';
const IMAGE = {
  type: 'image',
  source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' },
};

/** The messages without the marks of the cache. */
function sentTurns(messages: readonly object[]): unknown {
  return JSON.parse(JSON.stringify(sent({ messages })['messages']), (key, value: unknown) =>
    key === 'cache_control' ? undefined : value,
  );
}

const text = (value: string) => ({ type: 'text', text: value });
const user = (...blocks: object[]) => ({ role: 'user', content: blocks });
const assistant = (...blocks: object[]) => ({ role: 'assistant', content: blocks });

function call(id: string, args: string, name = 'f') {
  return { id, type: 'function', function: { name, arguments: args } };
}

describe('the messages', () => {
  test('have what the system says on top, in its order, and neighbours of one role as one', () => {
    const request = sent({
      messages: [
        { role: 'system', content: 'a' },
        { role: 'developer', content: [text('b'), text(' ')] },
        HI,
        { role: 'user', content: [text('there')] },
        { role: 'assistant', content: 'yes?' },
        { role: 'assistant', content: [text('well'), { type: 'refusal', refusal: 'no' }] },
      ],
    });
    expect(request['system']).toEqual([text('a'), { ...text('b'), cache_control: EPHEMERAL }]);
    expect(request['messages']).toEqual([
      user(text('hi'), { ...text('there'), cache_control: EPHEMERAL }),
      assistant(text('yes?'), text('well'), text('no')),
    ]);
  });

  test('keep what the system says later at its place, in a tag', () => {
    const turns = sentTurns([
      { role: 'system', content: 'a' },
      HI,
      { role: 'assistant', content: 'yes?' },
      { role: 'system', content: 'be brief' },
    ]);
    expect(turns).toEqual([
      user(text('hi')),
      assistant(text('yes?')),
      user(text('<system>\nbe brief\n</system>')),
    ]);
  });

  test('hold no blank text and no message without content', () => {
    const turns = sentTurns([
      HI,
      { role: 'assistant', content: '' },
      { role: 'assistant', content: null, refusal: null },
      { role: 'user', content: [text(''), text('\n'), text('again')] },
    ]);
    expect(turns).toEqual([user(text('hi'), text('again'))]);
  });

  test('have tool calls as tool_use, and their results first in one message after them', () => {
    const turns = sentTurns([
      HI,
      {
        role: 'assistant',
        content: 'Looking.',
        tool_calls: [call('toolu_1', '{"b":1,"a":12345678901234567890}'), call('call.2:x', '')],
      },
      { role: 'developer', content: 'hurry' },
      { role: 'tool', tool_call_id: 'toolu_1', content: '21 °C' },
      {
        role: 'tool',
        tool_call_id: 'call.2:x',
        content: [text('see'), { type: 'image_url', image_url: { url: PNG } }],
      },
      { role: 'user', content: 'and?' },
    ]);
    expect(turns).toEqual([
      user(text('hi')),
      assistant(
        text('Looking.'),
        { type: 'tool_use', id: 'toolu_1', name: 'f', input: expect.any(Object) },
        { type: 'tool_use', id: 'call_2_x', name: 'f', input: {} },
      ),
      user(
        { type: 'tool_result', tool_use_id: 'toolu_1', content: [text('21 °C')] },
        { type: 'tool_result', tool_use_id: 'call_2_x', content: [text('see'), IMAGE] },
        text('<system>\nhurry\n</system>'),
        text('and?'),
      ),
    ]);
  });

  test("keep a call's arguments as the model wrote them, and wrap what is no object", () => {
    const args = '{"9":1.0, "a":12345678901234567890,"é":"\\u00e9"}';
    const of = (value: string) =>
      sentText({
        messages: [HI, { role: 'assistant', content: null, tool_calls: [call('t', value)] }],
      });
    expect(of(args)).toContain(`"input":${args}}`);
    expect(of('{"cut')).toContain(String.raw`"input":{"INVALID_JSON":"{\"cut"}}`);
    expect(of('[1]')).toContain('"input":{"INVALID_JSON":"[1]"}}');
    expect(of(' ')).toContain('"input":{}}');
  });

  test('have images and PDFs as base64 sources', () => {
    const turns = sentTurns([
      {
        role: 'user',
        content: [
          text('what?'),
          { type: 'image_url', image_url: { url: PNG, detail: 'high' } },
          { type: 'image_url', image_url: { url: 'data:IMAGE/JPG;x=y;base64,/9j/' } },
          {
            type: 'file',
            file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' },
          },
        ],
      },
    ]);
    expect(turns).toEqual([
      user(
        text('what?'),
        IMAGE,
        { type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data: '/9j/' } },
        {
          type: 'document',
          source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' },
          title: 'a.pdf',
        },
      ),
    ]);
  });

  test('show an image that a model drew in the message after it', () => {
    const turns = sentTurns([
      HI,
      { role: 'assistant', content: '', images: [{ type: 'image_url', image_url: { url: PNG } }] },
      { role: 'user', content: 'bluer' },
    ]);
    const drawn = [text('<drawn-by-assistant>'), IMAGE, text('</drawn-by-assistant>')];
    expect(turns).toEqual([user(text('hi'), ...drawn, text('bluer'))]);
  });

  const refused: [string, object, string][] = [
    ['audio', { type: 'input_audio', input_audio: {} }, 'messages[0].content[0]'],
    ['video', { type: 'video_url', video_url: { url: 'data:,' } }, 'messages[0].content[0]'],
    ['a file by its id', { type: 'file', file: { file_id: 'x' } }, 'messages[0].content[0]'],
    ['a kind that is not known', { type: 'hologram' }, 'messages[0].content[0]'],
  ];
  for (const [what, part, param] of refused) {
    test(`refuse ${what}`, () => {
      const messages = [{ role: 'user', content: [part] }];
      expect(refusal({ messages })).toEqual({ code: 'modality_not_supported', param });
    });
  }

  test('refuse what cannot be a message, naming where it is', () => {
    const param = (message: object) => refusal({ messages: [message] });
    const invalid = (at: string) => ({ code: 'invalid_field', param: at });
    expect(param({ role: 'function', name: 'f', content: 'x' }).param).toBe('messages[0].role');
    expect(param({ role: 'tool', content: 'x' })).toEqual(invalid('messages[0].tool_call_id'));
    expect(param({ role: 'assistant', tool_calls: 1 })).toEqual(invalid('messages[0].tool_calls'));
    expect(param({ role: 'user', content: 1 })).toEqual(invalid('messages[0].content'));
    expect(param({ role: 'assistant', tool_calls: [{ id: 'a', type: 'custom' }] })).toEqual({
      code: 'modality_not_supported',
      param: 'messages[0].tool_calls[0]',
    });
    expect(refusal({ messages: 1 })).toEqual(invalid('messages'));
    expect(refusal({ messages: [1] })).toEqual(invalid('messages[0]'));
  });
});
