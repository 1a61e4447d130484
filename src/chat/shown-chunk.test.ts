import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Completion } from '../providers/provider.ts';
import { showAs } from './shown-chunk.ts';

const parse = (json: string) => JSON.parse(json) as Completion;

describe('a shown chunk', () => {
  test('differs in the model and in nothing else, whatever the chunks before it were', () => {
    const model = fc.constantFrom('up', 'up"', 'upstream', 'u', 'alias', 'ü');
    const member = fc.constantFrom<[string, unknown]>(
      ['id', 'x'],
      ['choices', [{ index: 0, delta: { content: '"model":"up"' } }]],
      ['extra', { model: 'up' }],
      ['created', 12],
    );
    const chunk = fc
      .tuple(fc.uniqueArray(member, { selector: ([key]) => key }), fc.option(model), fc.nat(4))
      .map(([members, name, at]) => {
        const entries: [string, unknown][] = [...members];
        if (name !== null) entries.splice(at, 0, ['model', name]);
        return JSON.stringify(Object.fromEntries(entries));
      });
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 12 }), (chunks) => {
        const show = showAs({ alias: 'alias', usage: true });
        for (const json of chunks) {
          const { model: was, ...rest } = parse(json);
          const { model: is, ...same } = parse(show(json, parse(json)) ?? '');
          expect(is).toBe(was === undefined ? undefined : 'alias');
          expect(same).toEqual(rest);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('keeps every other byte: spacing, order and large numbers', () => {
    const show = showAs({ alias: 'alias', usage: false });
    const json = '{ "id" : 1,"model": "up" , "seed":12345678901234567890, "usage":null }';
    const shown = '{ "id" : 1,"model": "alias" , "seed":12345678901234567890 }';
    expect(show(json, parse(json))).toBe(shown);
    expect(show(json, parse(json))).toBe(shown);
  });

  test("that nests too deep to be scanned is the upstream's fault, and not that of whoever asked", () => {
    const json = `{"model":"up","choices":[],"deep":${'['.repeat(100)}${']'.repeat(100)}}`;
    const show = showAs({ alias: 'alias', usage: true });
    expect(() => show(json, parse(json))).toThrow(
      expect.objectContaining({ code: 'upstream_protocol_error' }),
    );
  });

  test('tells what was expected beside what was cached, and changes nothing else', () => {
    const show = showAs({ alias: 'alias', usage: true, expectedCachedTokens: 64 });
    const shown = (json: string) => show(json, parse(json));
    const usage = (details: string) => `{"choices":[],"usage":{ "prompt_tokens" : 9${details}}}`;
    expect(shown(usage(', "prompt_tokens_details": {"cached_tokens": 48}'))).toBe(
      usage(', "prompt_tokens_details": {"cached_tokens": 48,"expected_cached_tokens":64}'),
    );
    const alone = usage(',"prompt_tokens_details":{"expected_cached_tokens":64}');
    expect(shown(usage(''))).toBe(alone);
    expect(shown(usage(',"prompt_tokens_details":null'))).toBe(alone);
    const silent = '{"choices":[{"index":0,"delta":{"content":"usage"}}],"usage":null}';
    expect(shown(silent)).toBe(silent);
  });

  test.each([0, null])('tells nothing where %p is expected', (expectedCachedTokens) => {
    const json = '{"choices":[],"usage":{"prompt_tokens":1}}';
    expect(showAs({ alias: 'alias', usage: true, expectedCachedTokens })(json, parse(json))).toBe(
      json,
    );
  });

  test('has the index that a tool call lacks, and every other byte outside its choices', () => {
    const call = '{"id":"a","function":{"name":"f","arguments":"{}"}}';
    const json = `{"seed":12345678901234567890,"choices":[{"index":0,"delta":{"tool_calls":[${call}]}}],"model":"up"}`;
    const show = showAs({ alias: 'alias', usage: false });
    const indexed = call.replace(/\}$/, ',"index":0}');
    expect(show(json, parse(json))).toBe(json.replace(call, indexed).replace('"up"', '"alias"'));
  });

  test('is left out when it is nothing but usage that nobody asked for', () => {
    const json = '{"model":"up","choices":[],"usage":{"prompt_tokens":1}}';
    expect(showAs({ alias: 'alias', usage: false })(json, parse(json))).toBeNull();
    expect(showAs({ alias: 'alias', usage: true })(json, parse(json))).toContain('"usage":{');
  });
});
