// What was typed beside the message, and what it comes to.
import { describe, expect, test } from 'bun:test';
import { DEFAULT_SETTINGS, parametersOf, problemsIn, toolDrafts, toolsOf } from './settings.ts';

const set = (changes: Partial<typeof DEFAULT_SETTINGS>) => ({ ...DEFAULT_SETTINGS, ...changes });

describe('settings', () => {
  test('that were left alone send nothing', () => {
    expect(parametersOf(DEFAULT_SETTINGS)).toEqual({});
    expect(problemsIn(DEFAULT_SETTINGS)).toEqual([]);
  });

  test('become the members that OpenAI’s API knows', () => {
    const settings = set({
      temperature: '0',
      topP: '0.9',
      seed: '-1',
      stop: 'END',
      reasoningEffort: 'low',
    });
    expect(parametersOf(settings)).toEqual({
      temperature: 0,
      top_p: 0.9,
      seed: -1,
      stop: 'END',
      reasoning_effort: 'low',
    });
    expect(parametersOf(set({ stop: 'a\n\nb\n' }))).toEqual({ stop: ['a', 'b'] });
    expect(parametersOf(set({ format: 'json_schema' }))).toMatchObject({
      response_format: { type: 'json_schema', json_schema: { schema: { type: 'object' } } },
    });
  });

  test.each([
    [{ temperature: 'hot' }, 'temperature'],
    [{ temperature: '2.1' }, 'temperature'],
    [{ maxTokens: '1.5' }, 'maxTokens'],
    [{ maxTokens: '0' }, 'maxTokens'],
    [{ seed: '1e999' }, 'seed'],
    [{ format: 'json_schema', schema: '[]' }, 'schema'],
    [{ tools: [{ name: 'not a name', description: '', parameters: '{}' }] }, 'tools.0'],
    [{ tools: [{ name: 'name', description: '', parameters: '{' }] }, 'tools.0'],
  ] as const)('%j are told by their field', (changes, field) => {
    expect(problemsIn(set(changes)).map((problem) => problem.field)).toEqual([field]);
  });

  test('that do not hold now are no problem', () => {
    expect(problemsIn(set({ format: 'text', schema: '{' }))).toEqual([]);
  });

  test('take tools from a conversation and send the same again', () => {
    const tools = [
      {
        type: 'function',
        function: { name: 'f', description: 'd', parameters: { type: 'object' } },
      },
      { type: 'function', function: { name: 'g', parameters: {} } },
    ];
    expect(toolsOf(set({ tools: toolDrafts(tools) }))).toEqual(tools);
    expect(toolDrafts([null, { type: 'other' }, 'x'])).toEqual([]);
  });
});
