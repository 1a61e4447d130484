// OpenAI's requests as Anthropic's: what each member becomes, and what is refused.
import { describe, expect, test } from 'bun:test';
import { ANTHROPIC_MAX_TOKENS } from '../../domain/limits.ts';
import { messagesRequest } from './request.ts';
import { refusal, sent } from './testing/sent.ts';

const EPHEMERAL = { type: 'ephemeral' };

describe('tools', () => {
  const schema = { type: 'object', properties: { city: { type: 'string' } } };
  const tool = { type: 'function', function: { name: 'f', description: 'd', parameters: schema } };

  test('have a name, a description and an input_schema', () => {
    const bare = { type: 'function', function: { name: 'g', strict: true, parameters: {} } };
    expect(sent({ tools: [tool, bare] })['tools']).toEqual([
      { name: 'f', description: 'd', input_schema: schema },
      { name: 'g', strict: true, input_schema: { type: 'object' }, cache_control: EPHEMERAL },
    ]);
    expect(sent({ tools: [{ type: 'function', function: { name: 'g' } }] })['tools']).toEqual([
      { name: 'g', input_schema: { type: 'object', properties: {} }, cache_control: EPHEMERAL },
    ]);
  });

  test('keep the digits of the numbers in their schemas', () => {
    const body = `{"model":"m","messages":[],"tools":[{"type":"function","function":{"name":"f","parameters":{"maximum":18446744073709551615}}}]}`;
    expect(messagesRequest({ body, stream: true })).toContain('"maximum":18446744073709551615');
  });

  test('are chosen among as in OpenAI’s form', () => {
    const choice = (more: object) => sent({ tools: [tool], ...more })['tool_choice'];
    const named = { type: 'function', function: { name: 'f' } };
    expect(choice({})).toBeUndefined();
    expect(choice({ tool_choice: 'auto' })).toBeUndefined();
    expect(choice({ tool_choice: 'none', parallel_tool_calls: false })).toEqual({ type: 'none' });
    expect(choice({ tool_choice: 'required' })).toEqual({ type: 'any' });
    expect(choice({ tool_choice: named })).toEqual({ type: 'tool', name: 'f' });
    const oneAtMost = { disable_parallel_tool_use: true };
    expect(choice({ parallel_tool_calls: false })).toEqual({ type: 'auto', ...oneAtMost });
    expect(choice({ tool_choice: named, parallel_tool_calls: false })).toEqual({
      type: 'tool',
      name: 'f',
      ...oneAtMost,
    });
    expect(refusal({ tools: [tool], tool_choice: { type: 'allowed_tools' } })).toEqual({
      code: 'modality_not_supported',
      param: 'tool_choice',
    });
  });

  test('that are none leave no trace', () => {
    const request = sent({ tools: [], tool_choice: 'auto', parallel_tool_calls: true });
    expect(Object.keys(request)).toEqual(['model', 'max_tokens', 'stream', 'messages']);
  });

  test('that are no functions are refused', () => {
    expect(refusal({ tools: [tool, { type: 'custom', custom: { name: 'x' } }] })).toEqual({
      code: 'modality_not_supported',
      param: 'tools[1]',
    });
  });
});

describe('the other members', () => {
  const becomes: [string, object, object][] = [
    ['no limit', {}, { max_tokens: ANTHROPIC_MAX_TOKENS }],
    ['max_tokens', { max_tokens: 9 }, { max_tokens: 9 }],
    ['both limits', { max_tokens: 9, max_completion_tokens: 8 }, { max_tokens: 8 }],
    ['one stop', { stop: 'END' }, { stop_sequences: ['END'] }],
    ['several stops', { stop: ['a', 'b'] }, { stop_sequences: ['a', 'b'] }],
    ['temperature', { temperature: 0.3, top_p: 0.9 }, { temperature: 0.3, top_p: 0.9 }],
    ['user', { user: 'u1' }, { metadata: { user_id: 'u1' } }],
    ['safety_identifier', { safety_identifier: 's' }, { metadata: { user_id: 's' } }],
    [
      "Anthropic's metadata",
      { metadata: { user_id: 'm', x: 'y' } },
      { metadata: { user_id: 'm' } },
    ],
    ['service_tier', { service_tier: 'default' }, { service_tier: 'standard_only' }],
    [
      "Anthropic's own",
      { top_k: 5, context_management: { edits: [] } },
      { top_k: 5, context_management: { edits: [] } },
    ],
    ['what nobody knows', { wobble: 1e3 }, { wobble: 1000 }],
  ];
  for (const [what, given, expected] of becomes) {
    test(`${what} of ${JSON.stringify(given)} comes out as ${JSON.stringify(expected)}`, () => {
      expect(sent(given)).toMatchObject(expected);
    });
  }

  test('that mean the default or nothing here are left out', () => {
    const request = sent({
      temperature: 1.7,
      top_p: 1,
      n: 1,
      seed: null,
      logprobs: false,
      top_logprobs: 0,
      logit_bias: {},
      presence_penalty: 0,
      frequency_penalty: 0,
      modalities: ['text'],
      verbosity: 'medium',
      response_format: { type: 'text' },
      stream_options: { include_usage: true },
      store: true,
      metadata: { ticket: '7' },
      prompt_cache_key: 'k',
      tools: null,
      stop: null,
      wobble: null,
    });
    expect(Object.keys(request)).toEqual(['model', 'max_tokens', 'stream', 'messages']);
  });

  const lacking: [string, unknown][] = [
    ['n', 2],
    ['logprobs', true],
    ['top_logprobs', 3],
    ['logit_bias', { '50256': -100 }],
    ['presence_penalty', 0.5],
    ['frequency_penalty', -1],
    ['seed', 7],
    ['audio', { voice: 'alloy', format: 'wav' }],
    ['modalities', ['text', 'audio']],
    ['functions', [{ name: 'f' }]],
    ['function_call', { name: 'f' }],
    ['verbosity', 'low'],
    ['web_search_options', {}],
    ['service_tier', 'flex'],
    ['response_format', { type: 'json_object' }],
  ];
  for (const [member, value] of lacking) {
    test(`${member}: ${JSON.stringify(value)} is refused`, () => {
      const code = 'modality_not_supported';
      expect(refusal({ [member]: value })).toEqual({ code, param: member });
    });
  }

  test('that are given twice, in both forms, are refused', () => {
    const twice = { stop: 'a', stop_sequences: ['b'] };
    expect(refusal(twice)).toEqual({ code: 'invalid_field', param: 'stop_sequences' });
  });

  test('a JSON schema is the format of the output, beside what else is said of it', () => {
    const schema = { type: 'object', properties: {}, additionalProperties: false };
    const json_schema = { name: 'n', strict: true, description: 'd', schema };
    const request = sent({
      response_format: { type: 'json_schema', json_schema },
      reasoning_effort: 'high',
      output_config: { task_budget: { type: 'tokens', total: 20_000 } },
    });
    expect(request['output_config']).toEqual({
      effort: 'high',
      format: { type: 'json_schema', schema: { description: 'd', ...schema } },
      task_budget: { type: 'tokens', total: 20_000 },
    });
  });
});
