// Parameters in OpenAI's form as Gemini is sent them: what each member becomes, and what is refused.
import { describe, expect, test } from 'bun:test';
import { methodPath } from './model-facts.ts';
import { FLASH, PRO, bodyOf, configOf, refusalOf, lacks, isMalformed } from './testing/sent.ts';

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
