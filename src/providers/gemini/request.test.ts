// Requests in OpenAI's form as Gemini is sent them: what each member becomes, and what is refused.
import { describe, expect, test } from 'bun:test';
import { GatewayError } from '../../domain/errors.ts';
import { methodPath } from './model-facts.ts';
import { geminiBody } from './request.ts';

const FLASH = 'gemini-2.5-flash';
const PRO = 'gemini-3.1-pro-preview';
const USER = { role: 'user', content: 'hi' };

interface Body {
  readonly systemInstruction?: { readonly parts: readonly object[] };
  readonly contents: readonly { readonly role: string; readonly parts: readonly object[] }[];
  readonly tools?: readonly object[];
  readonly toolConfig?: object;
  readonly generationConfig?: Readonly<Record<string, unknown>>;
  readonly [member: string]: unknown;
}

function bodyOf(members: object, model = FLASH): Body {
  const request = { model: 'any', messages: [USER], ...members };
  return JSON.parse(geminiBody(JSON.stringify(request), model)) as Body;
}

const contentsOf = (messages: readonly object[], model = FLASH) =>
  bodyOf({ messages }, model).contents;

const configOf = (members: object, model = FLASH) => bodyOf(members, model).generationConfig;

function refusalOf(members: object, model = FLASH): { code: string; param: string | null } {
  try {
    bodyOf(members, model);
  } catch (error) {
    if (error instanceof GatewayError) return { code: error.code, param: error.param };
    throw error;
  }
  return { code: 'none', param: null };
}

const lacks = (param: string) => ({ code: 'modality_not_supported', param });
const isMalformed = (param: string) => ({ code: 'invalid_field', param });

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

describe('the parameters for Gemini', () => {
  test('have its names', () => {
    const schema = { type: 'object', properties: {} };
    expect(
      configOf({
        temperature: 0.5,
        top_p: 0.9,
        top_k: 40,
        seed: 7,
        max_tokens: 5,
        max_completion_tokens: 10,
        presence_penalty: 0.1,
        frequency_penalty: 0,
        stop: 'END',
        n: 2,
        logprobs: true,
        top_logprobs: 3,
        response_format: { type: 'json_schema', json_schema: { name: 'x', strict: true, schema } },
      }),
    ).toEqual({
      temperature: 0.5,
      topP: 0.9,
      topK: 40,
      seed: 7,
      maxOutputTokens: 10,
      presencePenalty: 0.1,
      stopSequences: ['END'],
      candidateCount: 2,
      responseLogprobs: true,
      logprobs: 3,
      responseMimeType: 'application/json',
      responseJsonSchema: schema,
    });
  });

  test('are not mentioned where they ask for what happens anyway', () => {
    const anyway = {
      n: 1,
      stop: null,
      logprobs: false,
      response_format: { type: 'text' },
      modalities: ['text'],
      presence_penalty: 0,
      logit_bias: {},
      parallel_tool_calls: true,
      verbosity: 'medium',
      user: 'someone',
      store: false,
      metadata: {},
      stream: true,
      stream_options: { include_usage: true },
    };
    expect(bodyOf(anyway)).toEqual({ contents: [{ role: 'user', parts: [{ text: 'hi' }] }] });
  });

  test('are refused by name where Gemini has nothing like them', () => {
    for (const [member, value] of Object.entries({
      logit_bias: { 50256: -100 },
      audio: { voice: 'alloy', format: 'wav' },
      web_search_options: {},
      functions: [{ name: 'f' }],
      min_p: 0.1,
      an_unknown_member: 1,
    })) {
      expect(refusalOf({ [member]: value })).toEqual(lacks(member));
    }
    expect(refusalOf({ modalities: ['text', 'audio'] })).toEqual(lacks('modalities[1]'));
    expect(refusalOf({ response_format: { type: 'grammar' } })).toEqual(
      lacks('response_format.type'),
    );
    expect(refusalOf({ image_config: { strength: 1 } })).toEqual(lacks('image_config.strength'));
    expect(refusalOf({ extra_body: { google: { x: 1 } } })).toEqual(lacks('extra_body.google.x'));
  });

  test('ask models that draw for images, in the shape that is wanted', () => {
    const draws = 'gemini-3-pro-image-preview';
    expect(configOf({}, draws)).toEqual({ responseModalities: ['TEXT', 'IMAGE'] });
    expect(
      configOf(
        { modalities: ['image'], image_config: { aspect_ratio: '16:9', image_size: '2K' } },
        draws,
      ),
    ).toEqual({
      responseModalities: ['IMAGE'],
      imageConfig: { aspectRatio: '16:9', imageSize: '2K' },
    });
    expect(configOf({ modalities: ['text', 'image'] })).toEqual({
      responseModalities: ['TEXT', 'IMAGE'],
    });
  });

  test('may be Google’s own, as its OpenAI-compatible API takes them', () => {
    const google = {
      cached_content: 'cachedContents/1',
      thinking_config: { include_thoughts: true },
      safety_settings: [],
    };
    expect(bodyOf({ extra_body: { google } })).toMatchObject({
      cachedContent: 'cachedContents/1',
      safetySettings: [],
      generationConfig: { thinkingConfig: { include_thoughts: true } },
    });
  });
});

describe('thinking', () => {
  const thinking = (members: object, model: string) => configOf(members, model)?.['thinkingConfig'];

  test('has levels from Gemini 3 on, budgets before, and the least that each model knows', () => {
    const table: [string, string, object][] = [
      [PRO, 'none', { thinkingLevel: 'LOW', includeThoughts: false }],
      [PRO, 'minimal', { thinkingLevel: 'LOW', includeThoughts: true }],
      [PRO, 'medium', { thinkingLevel: 'MEDIUM', includeThoughts: true }],
      [PRO, 'xhigh', { thinkingLevel: 'HIGH', includeThoughts: true }],
      ['gemini-flash-latest', 'minimal', { thinkingLevel: 'MINIMAL', includeThoughts: true }],
      [FLASH, 'none', { thinkingBudget: 0, includeThoughts: false }],
      [FLASH, 'low', { thinkingBudget: 1024, includeThoughts: true }],
      [FLASH, 'high', { thinkingBudget: 24_576, includeThoughts: true }],
      ['gemini-2.5-pro', 'none', { thinkingBudget: 128, includeThoughts: false }],
    ];
    for (const [model, effort, expected] of table) {
      expect(thinking({ reasoning_effort: effort }, model)).toEqual(expected);
      expect(thinking({ reasoning: { effort } }, model)).toEqual(expected);
    }
    expect(thinking({ reasoning_effort: 'none' }, 'gemma-3-27b-it')).toBeUndefined();
  });

  test('is the model’s own affair where nobody says anything of it', () => {
    expect(thinking({}, PRO)).toBeUndefined();
    expect(thinking({ reasoning: null, reasoning_effort: null }, PRO)).toBeUndefined();
  });

  test('takes a budget, and can be shown or hidden', () => {
    expect(thinking({ reasoning: { max_tokens: 2000 } }, FLASH)).toEqual({
      thinkingBudget: 2000,
      includeThoughts: true,
    });
    expect(thinking({ reasoning: { effort: 'low', exclude: true } }, PRO)).toEqual({
      thinkingLevel: 'LOW',
      includeThoughts: false,
    });
    expect(thinking({ reasoning: { enabled: true } }, PRO)).toEqual({ includeThoughts: true });
    expect(thinking({ reasoning: { enabled: false } }, FLASH)).toEqual({
      thinkingBudget: 0,
      includeThoughts: false,
    });
  });

  test('is refused in words that mean nothing', () => {
    expect(refusalOf({ reasoning_effort: 'a lot' })).toEqual(isMalformed('reasoning_effort'));
    expect(refusalOf({ reasoning: { max_tokens: 'many' } })).toEqual(
      isMalformed('reasoning.max_tokens'),
    );
  });
});

test('a model’s name may bring its collection, and what is odd in it is escaped', () => {
  expect(methodPath(FLASH, false)).toBe('/models/gemini-2.5-flash:generateContent');
  expect(methodPath('models/x', true)).toBe('/models/x:streamGenerateContent?alt=sse');
  expect(methodPath('tunedModels/a b?', false)).toBe('/tunedModels/a%20b%3F:generateContent');
});
