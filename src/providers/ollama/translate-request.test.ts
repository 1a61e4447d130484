// What Ollama is sent for a request in OpenAI's form, and what is refused because it cannot be sent.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { GatewayError } from '../../domain/errors.ts';
import { valueText } from '../../json/members.ts';
import type { OllamaSettings } from '../provider.ts';
import { ollamaBody } from './translate-request.ts';

const HI = { role: 'user', content: 'hi' };

function bodyText(request: object | string, settings: OllamaSettings = {}, stream = true): string {
  const body =
    typeof request === 'string'
      ? request
      : JSON.stringify({ model: 'qwen3:8b', messages: [HI], ...request });
  return ollamaBody({ body, stream }, settings);
}

function sent(request: object, settings: OllamaSettings = {}): Record<string, unknown> {
  return JSON.parse(bodyText(request, settings)) as Record<string, unknown>;
}

function sentMessages(...messages: object[]): unknown[] {
  return sent({ messages })['messages'] as unknown[];
}

function refusalOf(request: object): { code: string; param: string | null } | null {
  try {
    bodyText(request);
    return null;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { code: error.code, param: error.param };
  }
}

describe('a plain request', () => {
  test('says model, messages and whether to stream, and that nothing may be left out in silence', () => {
    expect(bodyText({})).toBe(
      '{"model":"qwen3:8b","messages":[{"role":"user","content":"hi"}],"stream":true,"truncate":false}',
    );
    expect(sent({ stream: true, stream_options: { include_usage: true } })).toEqual(sent({}));
    expect(bodyText({}, {}, false)).toContain('"stream":false');
  });

  test('carries what neither OpenAI nor the gateway knows, as it came', () => {
    const text = bodyText('{"model":"m","messages":[],"x_new": {"b":1,  "a":1e400}, "raw":null}');
    expect(text).toContain('"x_new":{"b":1,  "a":1e400}');
    expect(text).not.toContain('raw');
  });

  test('leaves out what has no meaning for an answer', () => {
    const told = { user: 'u', metadata: { a: 1 }, store: false, prompt_cache_key: 'k' };
    expect(sent({ ...told, n: 1, logit_bias: {}, modalities: ['text'] })).toEqual(sent({}));
  });
});

describe('options', () => {
  test("are made of OpenAI's members, with their digits", () => {
    const text = bodyText(
      '{"model":"m","messages":[],"temperature":0.70,"top_p":1,"seed":12345678901234567890,"stop":"x","max_tokens":5,"max_completion_tokens":7,"frequency_penalty":null,"presence_penalty":0.1,"top_k":40,"repetition_penalty":1.1}',
    );
    expect(valueText(text, 'options')).toBe(
      '{"temperature":0.70,"top_p":1,"top_k":40,"seed":12345678901234567890,"presence_penalty":0.1,"repeat_penalty":1.1,"num_predict":7,"stop":["x"]}',
    );
    expect(sent({ stop: ['a', 'b'] })['options']).toEqual({ stop: ['a', 'b'] });
  });

  test('hold the configured window, and the own options of a request win over both', () => {
    const settings = { numCtx: 32_768, keepAlive: '30m' };
    expect(sent({}, settings)).toMatchObject({ options: { num_ctx: 32_768 }, keep_alive: '30m' });
    const own = { options: { num_ctx: 9, temperature: 0 }, temperature: 1, keep_alive: 0 };
    expect(sent({ ...own, truncate: true }, settings)).toMatchObject({
      options: { num_ctx: 9, temperature: 0 },
      keep_alive: 0,
      truncate: true,
    });
  });

  test('keep a model loaded for seconds or a duration', () => {
    expect(sent({}, { keepAlive: '-1' })['keep_alive']).toBe(-1);
    expect(sent({}, { keepAlive: '1h30m' })['keep_alive']).toBe('1h30m');
  });
});

describe('thinking', () => {
  test('follows the effort in the words of OpenAI, OpenRouter and vLLM', () => {
    const think = (request: object) => sent(request)['think'];
    expect(think({})).toBeUndefined();
    expect(think({ reasoning_effort: 'none' })).toBe(false);
    expect(think({ reasoning_effort: 'minimal' })).toBe('low');
    expect(think({ reasoning_effort: 'high' })).toBe('high');
    expect(think({ reasoning_effort: 'xhigh' })).toBe('max');
    expect(think({ reasoning: { effort: 'medium' } })).toBe('medium');
    expect(think({ reasoning: { enabled: false, effort: 'high' } })).toBe(false);
    expect(think({ reasoning: { max_tokens: 2000 } })).toBe(true);
    expect(think({ reasoning: {}, reasoning_effort: 'low' })).toBe('low');
    expect(think({ chat_template_kwargs: { enable_thinking: false } })).toBe(false);
    expect(think({ think: true, reasoning_effort: 'none' })).toBe(true);
    expect(refusalOf({ reasoning_effort: 'heavy' })).toEqual({
      code: 'invalid_field',
      param: 'reasoning_effort',
    });
  });

  test('of earlier answers goes back', () => {
    const answer = { role: 'assistant', content: 'a' };
    expect(sentMessages({ ...answer, reasoning_content: 'r' })).toEqual([
      { ...answer, thinking: 'r' },
    ]);
    expect(sentMessages({ ...answer, reasoning: 'r' })).toEqual([{ ...answer, thinking: 'r' }]);
    expect(sentMessages({ ...HI, reasoning: 'r' })).toEqual([HI]);
  });
});

describe('formats', () => {
  test('are json or the schema, in its own bytes', () => {
    expect(sent({ response_format: { type: 'text' } })['format']).toBeUndefined();
    expect(sent({ response_format: { type: 'json_object' } })['format']).toBe('json');
    const text = bodyText(
      '{"model":"m","messages":[],"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{ "type":"object","properties":{"2":{},"1":{}} }}}}',
    );
    expect(valueText(text, 'format')).toBe('{ "type":"object","properties":{"2":{},"1":{}} }');
  });

  test('that are unknown or empty are refused', () => {
    expect(refusalOf({ response_format: { type: 'grammar' } })?.param).toBe('response_format.type');
    expect(refusalOf({ response_format: { type: 'json_schema' } })).toEqual({
      code: 'invalid_field',
      param: 'response_format.json_schema.schema',
    });
  });
});

describe('tools', () => {
  const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }];

  test('go in their own bytes, unless none may be called', () => {
    const text = bodyText(
      `{"model":"m","messages":[],"tools":[ {"type":"function", "function":{"name":"f"}} ],"tool_choice":"auto"}`,
    );
    expect(text).toContain('"tools":[ {"type":"function", "function":{"name":"f"}} ]');
    expect(text).not.toContain('tool_choice');
    expect(sent({ tools, tool_choice: 'none' })).toEqual(sent({}));
    expect(sent({ tools: [], tool_choice: 'required' })).toEqual(sent({}));
  });

  test('calls and results have objects and names', () => {
    const call = (id: string, name: string, args: unknown) => ({
      id,
      type: 'function',
      function: { name, arguments: args },
    });
    const messages = sentMessages(
      {
        role: 'assistant',
        content: null,
        tool_calls: [call('a', 'f', '{"x":1}'), call('b', 'g', '')],
      },
      { role: 'tool', tool_call_id: 'b', content: [{ type: 'text', text: 'B' }] },
      { role: 'tool', tool_call_id: 'a', content: 'A' },
      { role: 'tool', tool_call_id: 'lost', content: '?' },
      { role: 'function', name: 'old', content: 'O' },
    );
    expect(messages).toEqual([
      {
        role: 'assistant',
        content: '',
        tool_calls: [
          { id: 'a', function: { name: 'f', arguments: { x: 1 } } },
          { id: 'b', function: { name: 'g', arguments: {} } },
        ],
      },
      { role: 'tool', content: 'B', tool_name: 'g', tool_call_id: 'b' },
      { role: 'tool', content: 'A', tool_name: 'f', tool_call_id: 'a' },
      { role: 'tool', content: '?', tool_call_id: 'lost' },
      { role: 'tool', content: 'O', tool_name: 'old' },
    ]);
  });

  test('arguments keep their digits and order, and broken ones are shown as they are', () => {
    const withArguments = (args: string) =>
      bodyText({
        messages: [
          {
            role: 'assistant',
            content: '',
            tool_calls: [{ id: 'a', function: { name: 'f', arguments: args } }],
          },
        ],
      });
    expect(withArguments('{"2":12345678901234567890, "1":1.0}')).toContain(
      '"arguments":{"2":12345678901234567890, "1":1.0}',
    );
    expect(withArguments('{"city": "Par')).toContain(
      String.raw`"arguments":{"arguments":"{\"city\": \"Par"}`,
    );
    expect(withArguments('[1]')).toContain('"arguments":{"arguments":"[1]"}');
  });
});

describe('content', () => {
  const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } };

  test('is text, with images and sound beside it', () => {
    expect(
      sentMessages(
        { role: 'developer', content: 'be kind' },
        {
          role: 'user',
          content: [{ type: 'text', text: 'a' }, image, { type: 'text', text: 'b' }],
        },
        { role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'UklG' } }] },
        { role: 'assistant', content: 'drawn', images: [image] },
        { role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] },
      ),
    ).toEqual([
      { role: 'system', content: 'be kind' },
      { role: 'user', content: 'a\nb', images: ['iVBORw0KGgo='] },
      { role: 'user', content: '', images: ['UklG'] },
      { role: 'assistant', content: 'drawn', images: ['iVBORw0KGgo='] },
      { role: 'assistant', content: 'no' },
    ]);
  });

  test('of other kinds, or from elsewhere, is refused with its place', () => {
    const refused = (part: unknown) =>
      refusalOf({ messages: [HI, { role: 'user', content: [part] }] });
    expect(
      refused({ type: 'video_url', video_url: { url: 'data:video/mp4;base64,AA==' } }),
    ).toEqual({ code: 'modality_not_supported', param: 'messages[1].content[0]' });
    expect(refused({ type: 'image_url', image_url: { url: 'http://h/a.png' } })).toEqual({
      code: 'image_url_not_supported',
      param: 'messages[1].content[0].image_url.url',
    });
    expect(refused({ type: 'text' })?.code).toBe('invalid_field');
    expect(refused('x')?.code).toBe('invalid_field');
  });
});

describe('what Ollama cannot do', () => {
  const tools = [{ type: 'function', function: { name: 'f' } }];
  const CASES: readonly (readonly [string, object])[] = [
    ['n', { n: 2 }],
    ['logit_bias', { logit_bias: { 50: 1 } }],
    ['tool_choice', { tools, tool_choice: 'required' }],
    ['tool_choice', { tools, tool_choice: { type: 'function', function: { name: 'f' } } }],
    ['parallel_tool_calls', { tools, parallel_tool_calls: false }],
    ['modalities', { modalities: ['text', 'image'] }],
    ['audio', { audio: { voice: 'a' } }],
    ['web_search_options', { web_search_options: {} }],
    ['functions', { functions: [] }],
    ['function_call', { function_call: 'auto' }],
    ['tools[1].type', { tools: [...tools, { type: 'custom', custom: { name: 'c' } }] }],
    ['messages[0].tool_calls[0]', { messages: [{ role: 'assistant', tool_calls: [{ id: 'x' }] }] }],
    ['messages[0].function_call', { messages: [{ role: 'assistant', function_call: { a: 1 } }] }],
  ];
  for (const [param, request] of CASES) {
    test(`is refused and named: ${JSON.stringify(request).slice(1, -1)}`, () => {
      expect(refusalOf(request)).toEqual({ code: 'modality_not_supported', param });
    });
  }
});

describe('a longer history', () => {
  const text = fc.string({ unit: 'binary' });
  const part = fc.oneof(
    text.map((value) => ({ type: 'text', text: value })),
    fc.base64String().map((data) => ({
      type: 'image_url',
      image_url: { url: `data:image/png;base64,${data}` },
    })),
  );
  const call = fc.record({
    id: fc.constantFrom('a', 'b', 'c'),
    function: fc.record({
      name: text,
      arguments: fc.oneof(
        text,
        fc.json().map((json) => `{"x":${json}}`),
      ),
    }),
  });
  const message = fc.oneof(
    fc.record({ role: fc.constant('user'), content: fc.oneof(text, fc.array(part)) }),
    fc.record(
      {
        role: fc.constant('assistant'),
        content: fc.option(text),
        reasoning_content: text,
        tool_calls: fc.array(call),
      },
      { requiredKeys: ['role', 'content'] },
    ),
    fc.record({
      role: fc.constant('tool'),
      content: text,
      tool_call_id: fc.constantFrom('a', 'b', 'x'),
    }),
  );

  test('begins with the bytes of the shorter one, and is always whole JSON', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 8 }), fc.nat(8), (history, cut) => {
        const of = (messages: readonly object[]) => {
          const body = bodyText({ messages });
          JSON.parse(body);
          return valueText(body, 'messages') ?? '';
        };
        expect(of(history)).toStartWith(of(history.slice(0, cut)).slice(0, -1));
      }),
      { numRuns: 500 },
    );
  });
});
