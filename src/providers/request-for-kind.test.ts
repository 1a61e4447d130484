// What is changed in a request for single kinds of upstream, and that nothing else is.
import { describe, expect, test } from 'bun:test';
import { TARGET } from '../../test/harness/replay.ts';
import { GatewayError } from '../domain/errors.ts';
import { requestForKind } from './request-for-kind.ts';

const bodyFor = (kind: string, model: string, body: string) =>
  requestForKind({ body }, { ...TARGET, kind, model }).body;

const LIMITED = '{"model":"m", "max_tokens": 50,\n "seed":12345678901234567890}';

describe('max_tokens', () => {
  test.each([
    'gpt-5',
    'gpt-5.5-pro',
    'gpt-6-mini',
    'openai/gpt-10',
    'o1',
    'o3-mini',
    'o4-mini-2026',
  ])('is sent to %s at OpenAI under its newer name, and nothing else changes', (model) => {
    const sent = '{"model":"m",\n "seed":12345678901234567890,"max_completion_tokens":50}';
    expect(bodyFor('openai', model, LIMITED)).toBe(sent);
  });

  test.each([
    'gpt-4o',
    'gpt-4.1-mini',
    'gpt-35-turbo',
    'gpt-3.5-turbo',
    'gpt-oss-120b',
    'llama-o1x',
    'polo3',
  ])('is left alone for %s', (model) => {
    expect(bodyFor('openai', model, LIMITED)).toBe(LIMITED);
    expect(bodyFor('azure', model, LIMITED)).toBe(LIMITED);
  });

  test('on Azure is renamed where the name of the deployment tells of such a model', () => {
    expect(bodyFor('azure', 'team-gpt-5-mini', LIMITED)).toContain('"max_completion_tokens":50');
    expect(bodyFor('azure', 'prod_o3', LIMITED)).not.toContain('"max_tokens"');
  });

  test('goes where a request has both', () => {
    const both = '{"max_tokens":50,"max_completion_tokens":60}';
    expect(bodyFor('openai', 'gpt-5', both)).toBe('{"max_completion_tokens":60}');
    expect(bodyFor('vllm', 'gpt-5', both)).toBe(both);
  });

  test('is added where a server knows that name alone', () => {
    const newer = '{"max_completion_tokens":60}';
    expect(bodyFor('lmstudio', 'm', newer)).toBe('{"max_completion_tokens":60,"max_tokens":60}');
    expect(bodyFor('ollama', 'm', '{"max_completion_tokens":null}')).toBe(
      '{"max_completion_tokens":null}',
    );
  });
});

test('a text that only speaks of a member is not touched', () => {
  const body = String.raw`{"messages":[{"content":"say \"max_tokens\""}]}`;
  expect(bodyFor('openai', 'gpt-5', body)).toBe(body);
  const member = '{"messages":[{"max_tokens":1}]}';
  expect(bodyFor('openai', 'gpt-5', member)).toBe(member);
});

test("Ollama's OpenAI-compatible API is not shown tools that must not be called, nor asked for what it lacks", () => {
  expect(bodyFor('ollama', 'm', '{"tools":[{}],"tool_choice":"none","n":1}')).toBe('{"n":1}');
  expect(bodyFor('ollama', 'm', '{"tools":[{}],"tool_choice":"auto"}')).toBe('{"tools":[{}]}');
  expect(() => bodyFor('ollama', 'm', '{"n":2}')).toThrow(GatewayError);
  expect(() => bodyFor('ollama', 'm', '{"tools":[{}],"tool_choice":"required"}')).toThrow(
    'tool_choice',
  );
});

test('OpenRouter is told who asks, unless the operator says it', () => {
  const headersFor = (kind: string, headers: Record<string, string>) =>
    requestForKind({ body: '{}' }, { ...TARGET, kind, headers }).headers;
  expect(headersFor('openrouter', {})).toEqual({ 'x-title': 'DGX LLM Chat Gateway' });
  expect(headersFor('openrouter', { 'X-Title': 'mine' })).toEqual({});
  expect(headersFor('vllm', {})).toBeUndefined();
});

describe('modalities', () => {
  const sent = (kind: string, body: string, outputModalities?: readonly string[]) =>
    requestForKind(
      { body },
      {
        ...TARGET,
        kind,
        ...(outputModalities === undefined ? {} : { outputModalities }),
      },
    ).body;
  const plain = '{"messages":[]}';

  test('are what OpenRouter draws nothing without, and no more than the model gives', () => {
    expect(sent('openrouter', plain, ['text', 'image'])).toBe(
      '{"messages":[],"modalities":["image","text"]}',
    );
    expect(sent('openrouter', plain, ['image'])).toBe('{"messages":[],"modalities":["image"]}');
  });

  test('of the client stay, and nobody else is told of any', () => {
    const chosen = '{"messages":[],"modalities":["image"]}';
    expect(sent('openrouter', chosen, ['text', 'image'])).toBe(chosen);
    expect(sent('openrouter', plain)).toBe(plain);
    expect(sent('vllm', plain, ['text', 'image'])).toBe(plain);
  });
});
