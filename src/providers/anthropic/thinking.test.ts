// How much a model is asked to think, by its generation.
import { describe, expect, test } from 'bun:test';
import { ANTHROPIC_MAX_TOKENS } from '../../domain/limits.ts';
import { refusal, sent } from './testing/sent.ts';

describe('thinking', () => {
  const ADAPTIVE = { type: 'adaptive', display: 'summarized' };
  const asked = (model: string, body: object) => {
    const request = sent({ model, ...body });
    return [request['thinking'], request['output_config'], request['max_tokens']];
  };
  const NEW = ['claude-opus-4-6', 'claude-opus-4-7', 'claude-opus-4-8-20260528', 'claude-sonnet-5'];
  const OLD = [
    'claude-3-7-sonnet-20250219',
    'claude-sonnet-4-20250514',
    'claude-opus-4-1',
    'claude-haiku-4-5-20251001',
    'claude-sonnet-4-5@20250929',
  ];

  for (const model of [...NEW, 'some-other-model']) {
    test(`is guided by an effort with ${model}`, () => {
      expect(asked(model, { reasoning_effort: 'xhigh' })).toEqual([
        ADAPTIVE,
        { effort: 'xhigh' },
        ANTHROPIC_MAX_TOKENS,
      ]);
    });
  }

  for (const model of OLD) {
    test(`has a budget below the limit with ${model}`, () => {
      expect(asked(model, { reasoning_effort: 'medium', max_tokens: 5_000 })).toEqual([
        { type: 'enabled', budget_tokens: 2_500 },
        undefined,
        5_000,
      ]);
    });
  }

  const [old] = OLD;
  const cases: [string, object, unknown[]][] = [
    ['claude-opus-4-7', {}, [undefined, undefined]],
    ['claude-opus-4-7', { reasoning_effort: 'none' }, [{ type: 'disabled' }, undefined]],
    ['claude-opus-4-7', { reasoning: { enabled: false } }, [{ type: 'disabled' }, undefined]],
    ['claude-opus-4-7', { reasoning: { enabled: true } }, [ADAPTIVE, undefined]],
    ['claude-opus-4-7', { reasoning_effort: 'minimal' }, [ADAPTIVE, { effort: 'low' }]],
    [
      'claude-opus-4-7',
      { reasoning: { effort: 'low', exclude: true } },
      [{ type: 'adaptive', display: 'omitted' }, { effort: 'low' }],
    ],
    [
      'claude-opus-4-7',
      { thinking: { type: 'adaptive', x: 1 }, reasoning_effort: 'max' },
      [{ type: 'adaptive', x: 1 }, { effort: 'max' }],
    ],
    [
      'claude-opus-4-6',
      { reasoning: { max_tokens: 2_000 } },
      [{ type: 'enabled', budget_tokens: 2_000 }, undefined, ANTHROPIC_MAX_TOKENS],
    ],
    [
      String(old),
      { reasoning: { max_tokens: 40_000, exclude: true } },
      [{ type: 'enabled', budget_tokens: 40_000, display: 'omitted' }, undefined, 48_000],
    ],
    [
      String(old),
      { thinking: { type: 'enabled', budget_tokens: 60_000 } },
      [{ type: 'enabled', budget_tokens: 60_000 }, undefined, 68_000],
    ],
    [
      String(old),
      { reasoning_effort: 'low', max_tokens: 2_000 },
      [{ type: 'enabled', budget_tokens: 1_024 }, undefined, 2_000],
    ],
  ];
  for (const [model, body, expected] of cases) {
    test(`of ${JSON.stringify(body)} for ${model} is ${JSON.stringify(expected)}`, () => {
      expect(asked(model, body).slice(0, expected.length)).toEqual(expected);
    });
  }

  test('that cannot be had as it is asked for is refused', () => {
    const of = (model: string, body: object) => refusal({ model, ...body });
    const tokens = { reasoning: { max_tokens: 2_000 } };
    expect(of('claude-opus-4-7', tokens)).toEqual({
      code: 'modality_not_supported',
      param: 'reasoning.max_tokens',
    });
    const invalid = (param: string) => ({ code: 'invalid_field', param });
    expect(of(String(old), { ...tokens, max_tokens: 2_000 })).toEqual(
      invalid('reasoning.max_tokens'),
    );
    expect(of(String(old), { reasoning_effort: 'low', max_tokens: 1_024 })).toEqual(
      invalid('reasoning_effort'),
    );
    expect(of(String(old), { reasoning_effort: 'wild' })).toEqual(invalid('reasoning_effort'));
    expect(of('claude-opus-4-7', { reasoning_effort: 3 })).toEqual(invalid('reasoning_effort'));
    expect(of('claude-opus-4-6', { reasoning: { max_tokens: 'x' } })).toEqual(
      invalid('reasoning.max_tokens'),
    );
  });
});
