// What prompt caching and thinking live on: every prompt begins with the bytes of the one before, the marks of the cache
// move and nothing else does, and thinking goes back as it came.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { chunksOf, fixture, replay } from '../../../test/harness/replay.ts';
import { messagesRequest } from './request.ts';

const MARK = ',"cache_control":{"type":"ephemeral"}';

interface Sent {
  readonly system?: readonly Block[];
  readonly tools?: readonly Block[];
  readonly messages: readonly { role: string; content: readonly Block[] }[];
}
interface Block {
  readonly type?: string;
  readonly cache_control?: unknown;
  readonly [member: string]: unknown;
}

function sentText(messages: readonly object[], more: object = {}): string {
  return messagesRequest({
    body: JSON.stringify({ model: 'claude-opus-4-7', messages, ...more }),
    stream: true,
  });
}

function sent(messages: readonly object[], more: object = {}): Sent {
  return JSON.parse(sentText(messages, more)) as Sent;
}

const said = fc.oneof(fc.string(), fc.constantFrom('', ' ', MARK, 'cache_control', '😀 ü'));
const signature = fc.base64String({ minLength: 4 });

const thinking = fc
  .record({ text: said, signature })
  .map(({ text, signature: sign }) => [
    ...[text.slice(0, 1), text.slice(1)].map((piece) => ({ type: 'reasoning.text', text: piece })),
    { type: 'reasoning.text', signature: sign.slice(0, 2) },
    { type: 'reasoning.text', signature: sign.slice(2) },
  ]);
const redacted = signature.map((data) => [{ type: 'reasoning.encrypted', data }]);
const details = fc
  .array(fc.oneof(thinking, redacted), { maxLength: 3 })
  .map((blocks) =>
    blocks.flatMap((pieces, index) =>
      pieces.map((piece) => ({ ...piece, format: 'anthropic-claude-v1', index })),
    ),
  );

const calls = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 3 });

/** A turn: what the user says, perhaps some rounds of tools, and the answer. */
const turn = fc
  .record({
    asked: said,
    aside: fc.option(said, { nil: null }),
    rounds: fc.array(fc.record({ text: said, calls, details }), { maxLength: 2 }),
    answer: said,
    answerDetails: details,
  })
  .map(({ asked, aside, rounds, answer, answerDetails }) => [
    ...(aside === null ? [] : [{ role: 'system', content: aside }]),
    { role: 'user', content: asked },
    ...rounds.flatMap(roundMessages),
    { role: 'assistant', content: answer, reasoning_details: answerDetails },
  ]);

function roundMessages(
  round: { text: string; calls: readonly object[]; details: readonly object[] },
  number: number,
): object[] {
  const ids = round.calls.map((_, index) => `call_${number}_${index}`);
  if (ids.length === 0) return [];
  const tool_calls = round.calls.map((args, index) => ({
    id: ids[index],
    type: 'function',
    function: { name: 'f', arguments: JSON.stringify(args) },
  }));
  return [
    { role: 'assistant', content: round.text, tool_calls, reasoning_details: round.details },
    ...ids.map((id) => ({ role: 'tool', tool_call_id: id, content: round.text })),
  ];
}

/** The bytes of system and messages without the marks and without the brackets that close them. */
function openBytes(messages: readonly object[]): string {
  const text = sentText(messages);
  const from = text.search(/"(?:system|messages)":/);
  // A mark in a text has its quotes escaped, and is not taken for one.
  return text
    .slice(from, -1)
    .replaceAll(`${MARK}}`, '}')
    .replace(/\]\}\]$/, '');
}

describe('the prompts of one conversation', () => {
  test('each begin with the bytes of the one before, the moving marks aside', () => {
    fc.assert(
      fc.property(fc.array(turn, { minLength: 2, maxLength: 6 }), (turns) => {
        const asked = turns.map((_, index) => [
          ...turns.slice(0, index).flat(),
          // The turn's answer is not there yet.
          ...(turns[index] ?? []).slice(0, -1),
        ]);
        asked.slice(1).forEach((messages, index) => {
          const before = openBytes(asked[index] ?? []);
          // Nothing of a turn that says nothing is sent.
          if (!before.endsWith('"messages":[]')) expect(openBytes(messages)).toStartWith(before);
        });
      }),
    );
  });

  test('alternate, have no blank text, and their results before all else', () => {
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 5 }), (turns) => {
        const { messages } = sent(turns.flat());
        messages.forEach(({ role, content }, index) => {
          expect(role).not.toBe(messages[index - 1]?.role ?? '');
          expect(content.length).toBeGreaterThan(0);
          for (const { type, text } of content) {
            if (type === 'text') expect(String(text).trim()).not.toBe('');
          }
          const lastResult = content.findLastIndex(({ type }) => type === 'tool_result');
          const others = content.findIndex(({ type }) => type !== 'tool_result');
          expect(lastResult === -1 || others === -1 || lastResult < others).toBeTrue();
          expect(content.at(-1)?.type).not.toEndWith('thinking');
        });
      }),
    );
  });

  test('have four marks at most, the last at the end of what the user said', () => {
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 5 }), fc.boolean(), (turns, hasTools) => {
        const tools = hasTools ? [{ type: 'function', function: { name: 'f' } }] : [];
        const request = sent([{ role: 'system', content: 's' }, ...turns.flat()], { tools });
        const blocks = [
          ...(request.tools ?? []),
          ...(request.system ?? []),
          ...request.messages.flatMap(({ content }) => content),
        ];
        const marked = blocks.filter((block) => block.cache_control !== undefined);
        expect(marked.length).toBeLessThanOrEqual(4);
        const last = request.messages.findLast(({ role }) => role === 'user')?.content.at(-1);
        if (last) expect(marked.at(-1)).toBe(last);
      }),
    );
  });
});

describe('the marks of the cache', () => {
  const conversation = [
    { role: 'system', content: 's' },
    { role: 'user', content: 'one' },
    { role: 'assistant', content: 'two' },
    { role: 'user', content: 'three' },
    { role: 'assistant', content: 'four' },
    { role: 'user', content: [{ type: 'text', text: 'five' }] },
  ];
  const markedTexts = (request: Sent) =>
    [...(request.system ?? []), ...request.messages.flatMap(({ content }) => content)]
      .filter((block) => block.cache_control !== undefined)
      .map(({ text }) => text);

  test('are after the system and the last two messages of the user', () => {
    expect(markedTexts(sent(conversation))).toEqual(['s', 'three', 'five']);
  });

  test('that a client sets stay, and then there are no others', () => {
    const cache_control = { type: 'ephemeral', ttl: '1h' };
    const onPart = sent([
      { role: 'system', content: [{ type: 'text', text: 's', cache_control }] },
      ...conversation.slice(1),
    ]);
    expect(onPart.system).toEqual([{ type: 'text', text: 's', cache_control }]);
    expect(markedTexts(onPart)).toEqual(['s']);
    const onMessage = sent([...conversation.slice(0, 5), { ...conversation[1], cache_control }]);
    expect(markedTexts(onMessage)).toEqual(['one']);
    const onTool = { type: 'function', function: { name: 'f' }, cache_control };
    expect(sent(conversation, { tools: [onTool] }).tools?.[0]?.cache_control).toEqual(
      cache_control,
    );
    expect(markedTexts(sent(conversation, { tools: [onTool] }))).toEqual([]);
    const onTop = sent(conversation, { cache_control });
    expect(onTop).toMatchObject({ cache_control });
    expect(markedTexts(onTop)).toEqual([]);
    const result = { role: 'tool', tool_call_id: 'a' };
    const inResult = sent([{ ...result, content: [{ type: 'text', text: 'r', cache_control }] }]);
    expect(inResult.messages[0]?.content).toEqual([
      {
        type: 'tool_result',
        tool_use_id: 'a',
        content: [{ type: 'text', text: 'r' }],
        cache_control,
      },
    ]);
  });
});

describe('thinking that comes back', () => {
  const blocksOf = (message: object) => sent([message]).messages[0]?.content;
  const SIGNATURE = 'EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds/8f7Nq+KYUo==';

  test('from a stream is the same blocks in their places', async () => {
    const outcome = await replay([fixture('anthropic-thinking')], {
      stream: true,
      kind: 'anthropic',
    });
    const deltas = chunksOf(outcome).map(({ choices = [] }) => choices[0]?.delta ?? {});
    const message = {
      role: 'assistant',
      content: '12,231',
      reasoning_details: deltas.flatMap((delta) => delta['reasoning_details'] ?? []),
      tool_calls: [
        {
          id: 'toolu_01CaLcCaLcCaLcCaLcCaLc',
          type: 'function',
          function: { name: 'calculate', arguments: '{"a":27,"b":1}' },
        },
      ],
    };
    expect(blocksOf(message)).toEqual([
      { type: 'thinking', thinking: '27 is odd, so halve 453…', signature: SIGNATURE },
      {
        type: 'redacted_thinking',
        data: 'EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5L8rLVyIwxtE3rAFBa8cr3qpP',
      },
      { type: 'text', text: '12,231' },
      { type: 'thinking', thinking: '', signature: 'ErUBomittedText+/==' },
      {
        type: 'tool_use',
        id: 'toolu_01CaLcCaLcCaLcCaLcCaLc',
        name: 'calculate',
        input: { a: 27, b: 1 },
      },
    ]);
  });

  test('from a whole reply is the same blocks', async () => {
    const bytes = fixture('anthropic-json-tools');
    const outcome = await replay([bytes], { stream: false, kind: 'anthropic' });
    const message = chunksOf(outcome)[0]?.choices?.[0]?.message ?? {};
    const recorded = JSON.parse(bytes.toString()) as { content: unknown };
    expect(blocksOf(message)).toEqual(recorded.content as Block[]);
  });

  test('whose signature comes in pieces has all of it', () => {
    fc.assert(
      fc.property(thinking, (pieces) => {
        const reasoning_details = pieces.map((piece) => ({
          ...piece,
          format: 'anthropic-claude-v1',
          index: 0,
        }));
        const all = (member: 'text' | 'signature') =>
          pieces.map((piece) => (member in piece ? Reflect.get(piece, member) : '')).join('');
        expect(blocksOf({ role: 'assistant', content: 'a', reasoning_details })?.[0]).toEqual({
          type: 'thinking',
          thinking: all('text'),
          signature: all('signature'),
        });
      }),
    );
  });

  test('keeps its place beside text that is too blank to be sent', () => {
    const detail = { type: 'reasoning.text', text: 't', format: 'anthropic-claude-v1' };
    const message = {
      role: 'assistant',
      content: '\n\n',
      reasoning_details: [
        { ...detail, signature: 'a', index: 0 },
        { ...detail, signature: 'b', index: 2 },
      ],
      tool_calls: [{ id: 'x', type: 'function', function: { name: 'f', arguments: '{}' } }],
    };
    expect(blocksOf(message)?.map(({ type, signature: sign }) => sign ?? type)).toEqual([
      'a',
      'b',
      'tool_use',
    ]);
  });

  test("of another model, without a signature, or with nothing after it is not Anthropic's to see", () => {
    const text = { type: 'reasoning.text', text: 'hm', index: 0 };
    const message = (...reasoning_details: object[]) => ({
      role: 'assistant',
      content: 'a',
      reasoning_details,
    });
    const onlyText = [{ type: 'text', text: 'a' }];
    const foreign = { ...text, signature: 's', format: 'google-gemini-v1' };
    const cutOff = { ...text, format: 'anthropic-claude-v1' };
    const whole = { ...cutOff, signature: 's' };
    expect(blocksOf(message(foreign, cutOff))).toEqual(expect.arrayContaining(onlyText));
    expect(blocksOf(message(foreign, cutOff))).toHaveLength(1);
    expect(blocksOf(message({ ...whole, index: 1 }))).toHaveLength(1);
    expect(blocksOf({ ...message(whole), content: '' })).toBeUndefined();
    expect(blocksOf({ ...message(), reasoning_details: 'none' })).toHaveLength(1);
  });
});
