// Messages and tools in OpenAI's form as Gemini is sent them, and what is refused.
import { describe, expect, test } from 'bun:test';
import {
  FLASH,
  PRO,
  USER,
  bodyOf,
  contentsOf,
  refusalOf,
  lacks,
  isMalformed,
} from './testing/sent.ts';

describe('the messages for Gemini', () => {
  test('are contents of user and model, with neighbours of one role merged', () => {
    expect(
      contentsOf([
        USER,
        { role: 'user', content: [{ type: 'text', text: 'there' }] },
        { role: 'assistant', content: 'hello' },
        { role: 'assistant', content: [{ type: 'text', text: '!' }] },
        USER,
      ]),
    ).toEqual([
      { role: 'user', parts: [{ text: 'hi' }, { text: 'there' }] },
      { role: 'model', parts: [{ text: 'hello' }, { text: '!' }] },
      { role: 'user', parts: [{ text: 'hi' }] },
    ]);
  });

  test('have the instructions on top apart, and later ones in their place', () => {
    const body = bodyOf({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'developer', content: [{ type: 'text', text: 'Be kind.' }] },
        USER,
        { role: 'assistant', content: 'ok' },
        { role: 'system', content: 'Now in French.' },
        USER,
      ],
    });
    expect(body.systemInstruction).toEqual({
      parts: [{ text: 'Be brief.' }, { text: 'Be kind.' }],
    });
    expect(body.contents.at(-1)).toEqual({
      role: 'user',
      parts: [{ text: 'Now in French.' }, { text: 'hi' }],
    });
  });

  test('leave out what is empty, but never a whole turn of the user', () => {
    expect(
      contentsOf([
        { role: 'user', content: '' },
        { role: 'assistant', content: '' },
      ]),
    ).toEqual([{ role: 'user', parts: [{ text: '' }] }]);
  });

  test('carry images, sound, films and files inline', () => {
    const content = [
      { type: 'text', text: 'look' },
      { type: 'image_url', image_url: { url: 'data:image/jpg;base64,AAAA', detail: 'low' } },
      { type: 'input_audio', input_audio: { data: 'BBBB', format: 'wav' } },
      { type: 'video_url', video_url: { url: 'data:video/mp4;base64,CCCC' } },
      { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,DDDD' } },
    ];
    expect(contentsOf([{ role: 'user', content }])[0]?.parts).toEqual([
      { text: 'look' },
      { inlineData: { mimeType: 'image/jpeg', data: 'AAAA' } },
      { inlineData: { mimeType: 'audio/wav', data: 'BBBB' } },
      { inlineData: { mimeType: 'video/mp4', data: 'CCCC' } },
      { inlineData: { mimeType: 'application/pdf', data: 'DDDD' } },
    ]);
  });

  test('are refused where they refer to something that is not in them', () => {
    const asking = (part: object) => refusalOf({ messages: [{ role: 'user', content: [part] }] });
    const at = 'messages[0].content[0]';
    expect(asking({ type: 'image_url', image_url: { url: 'https://example.com/a.png' } })).toEqual({
      code: 'image_url_not_supported',
      param: `${at}.image_url.url`,
    });
    expect(asking({ type: 'file', file: { file_id: 'file-1' } })).toEqual(
      lacks(`${at}.file.file_id`),
    );
    expect(asking({ type: 'hologram' })).toEqual(lacks(at));
    expect(refusalOf({ messages: [{ role: 'function', content: 'x' }] })).toEqual(
      lacks('messages[0].role'),
    );
    expect(
      refusalOf({ messages: [USER, { role: 'tool', tool_call_id: 'nobody', content: 'x' }] }),
    ).toEqual(isMalformed('messages[1].tool_call_id'));
  });
});

const call = (id: string, name: string, args = '{}') => ({
  id,
  type: 'function',
  function: { name, arguments: args },
});
const result = (id: string, content: unknown) => ({ role: 'tool', tool_call_id: id, content });

describe('the tool calls for Gemini', () => {
  const messages = [
    USER,
    {
      role: 'assistant',
      content: null,
      tool_calls: [call('a', 'weather', '{"city":"Köln"}'), call('b', 'now', '')],
    },
    result('a', '12 °C'),
    result('b', [
      { type: 'text', text: 'noon' },
      { type: 'text', text: 'sharp' },
    ]),
    { role: 'user', content: 'and?' },
  ];

  test('are functionCall parts, and their results one content before what the user says next', () => {
    expect(contentsOf(messages).slice(1)).toEqual([
      {
        role: 'model',
        parts: [
          { functionCall: { name: 'weather', args: { city: 'Köln' } } },
          { functionCall: { name: 'now', args: {} } },
        ],
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { name: 'weather', response: { output: '12 °C' } } },
          { functionResponse: { name: 'now', response: { output: 'noon\nsharp' } } },
        ],
      },
      { role: 'user', parts: [{ text: 'and?' }] },
    ]);
  });

  test('bring their ids to Gemini 3, and a stand-in for the signature that another model did not give', () => {
    const [, model, results] = contentsOf(messages, PRO);
    expect(model?.parts).toEqual([
      {
        functionCall: { id: 'a', name: 'weather', args: { city: 'Köln' } },
        thoughtSignature: 'skip_thought_signature_validator',
      },
      { functionCall: { id: 'b', name: 'now', args: {} } },
    ]);
    expect(results?.parts[1]).toMatchObject({ functionResponse: { id: 'b', name: 'now' } });
  });

  test('keep their signatures, whether on the call or in OpenRouter’s reasoning_details', () => {
    const signedCall = {
      ...call('a', 'f'),
      extra_content: { google: { thought_signature: 'SIG' } },
    };
    const asked = (assistant: object) =>
      contentsOf([USER, { role: 'assistant', content: null, ...assistant }, result('a', '')], PRO);
    const expected = {
      functionCall: { id: 'a', name: 'f', args: {} },
      thoughtSignature: 'SIG',
    };
    const detail = { type: 'reasoning.encrypted', data: 'SIG', format: 'google-gemini-v1' };
    for (const assistant of [
      { tool_calls: [signedCall] },
      { tool_calls: [call('a', 'f')], reasoning_details: [{ ...detail, id: 'a' }] },
      { tool_calls: [call('a', 'f')], reasoning_details: [{ ...detail, id: null }] },
    ]) {
      expect(asked(assistant)[1]?.parts).toEqual([expected]);
    }
  });

  test('know nothing of the signatures of other makers', () => {
    const reasoning_details = [
      { type: 'reasoning.text', text: 'Hm', signature: 'S', format: 'anthropic-claude-v1' },
    ];
    const said = { role: 'assistant', content: 'ok', reasoning_details };
    expect(contentsOf([USER, said], PRO)[1]?.parts).toEqual([{ text: 'ok' }]);
  });

  test('are refused where their arguments are no object', () => {
    for (const args of ['{', '[]', '1']) {
      const said = { role: 'assistant', tool_calls: [call('a', 'f', args)] };
      expect(refusalOf({ messages: [USER, said] })).toEqual(
        isMalformed('messages[1].tool_calls[0].function.arguments'),
      );
    }
  });

  test('have images in their results from Gemini 3 on', () => {
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } };
    const shot = [
      USER,
      { role: 'assistant', tool_calls: [call('a', 'shot')] },
      result('a', [{ type: 'text', text: 'here' }, image]),
    ];
    expect(contentsOf(shot, PRO)[2]?.parts).toEqual([
      {
        functionResponse: {
          id: 'a',
          name: 'shot',
          response: { output: 'here' },
          parts: [{ inlineData: { mimeType: 'image/png', data: 'AAAA' } }],
        },
      },
    ]);
    expect(refusalOf({ messages: shot })).toEqual(lacks('messages[2].content'));
  });
});

describe('the tools for Gemini', () => {
  const parameters = {
    type: 'object',
    properties: { city: { type: ['string', 'null'] } },
    additionalProperties: false,
  };
  const tools = [
    { type: 'function', function: { name: 'weather', description: 'The weather', parameters } },
    { type: 'function', function: { name: 'now' } },
  ];
  const choiceOf = (tool_choice: unknown, model = FLASH) =>
    bodyOf({ tools, tool_choice }, model).toolConfig;

  test('are function declarations with their JSON schemas as they are', () => {
    expect(bodyOf({ tools }).tools).toEqual([
      {
        functionDeclarations: [
          { name: 'weather', description: 'The weather', parametersJsonSchema: parameters },
          { name: 'now' },
        ],
      },
    ]);
    expect(bodyOf({ tools: [], tool_choice: 'required' })).not.toHaveProperty('tools');
  });

  test('may be chosen from in each of OpenAI’s ways', () => {
    const config = (functionCallingConfig: object) => ({ functionCallingConfig });
    expect(choiceOf('auto')).toBeUndefined();
    expect(choiceOf('none')).toEqual(config({ mode: 'NONE' }));
    expect(choiceOf('required')).toEqual(config({ mode: 'ANY' }));
    const now = { type: 'function', function: { name: 'now' } };
    expect(choiceOf(now)).toEqual(config({ mode: 'ANY', allowedFunctionNames: ['now'] }));
    const allowed = { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [now] } };
    expect(choiceOf(allowed)).toEqual(config({ mode: 'VALIDATED', allowedFunctionNames: ['now'] }));
  });

  test('hold Gemini 3 to their schemas where one is strict', () => {
    const strict = [{ type: 'function', function: { name: 'f', strict: true } }];
    expect(bodyOf({ tools: strict }, PRO).toolConfig).toEqual({
      functionCallingConfig: { mode: 'VALIDATED' },
    });
    expect(bodyOf({ tools: strict }).toolConfig).toBeUndefined();
  });

  test('are refused where they are none of functions, or must not be called in parallel', () => {
    expect(refusalOf({ tools: [{ type: 'custom', custom: { name: 'x' } }] })).toEqual(
      lacks('tools[0].type'),
    );
    expect(refusalOf({ tools, parallel_tool_calls: false })).toEqual(lacks('parallel_tool_calls'));
    expect(refusalOf({ parallel_tool_calls: false })).toMatchObject({ code: 'none' });
  });
});
