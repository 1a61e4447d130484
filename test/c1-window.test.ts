// Conversations longer than their model's window: the oldest turns leave the prompt in one step, and nothing else.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import {
  chat,
  conversation,
  idsOf,
  said,
  sentMember,
  sentMessages,
  type SentMessage,
} from './harness/c1.ts';
import {
  chunk,
  replySse,
  startFakeUpstream,
  type FakeUpstream,
  type UpstreamCall,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';
import { configWith } from './harness/v1.ts';

let upstream: FakeUpstream;
const started: TestGateway[] = [];
beforeAll(async () => {
  upstream = await startFakeUpstream();
});
afterAll(async () => {
  await Promise.all(started.map((gateway) => gateway.close()));
  await upstream.close();
});

/** Four bytes of the messages are a token. */
const tokensIn = (text: string) => Math.ceil(Buffer.byteLength(text) / 4);
const promptOf = (call: UpstreamCall | undefined) =>
  sentMember(call ?? { body: '{}' }, 'messages') ?? '';

/** Answers with `text`, and counts. */
function answerWith(text: string): void {
  upstream.script = async (call) => {
    const usage = {
      prompt_tokens: tokensIn(promptOf(call)),
      completion_tokens: tokensIn(text) + 8,
    };
    const end = [chunk({}, 'stop'), { ...chunk({}), choices: [], usage }, '[DONE]'];
    await replySse(call, [chunk({ role: 'assistant', content: text }), ...end]);
  };
}

async function start(model: string, models: readonly object[] = []): Promise<TestGateway> {
  upstream.models = models;
  const gateway = await startGateway(configWith(upstream, { model }));
  started.push(gateway);
  return gateway;
}

interface Turn {
  readonly prompt: string;
  readonly dropped: number;
}

/** One turn; says what was sent for it, and how many turns the reply says were left out. */
async function speak(gateway: TestGateway, body: object): Promise<Turn & { id: string }> {
  const response = await chat(gateway, { max_tokens: 40, ...body });
  expect(response.status).toBe(200);
  await response.text();
  const applied = response.headers.get('x-gateway-applied') ?? '';
  const dropped = Number(/history_compacted=(\d+)/.exec(applied)?.[1] ?? 0);
  expect(applied).toBe(dropped === 0 ? '' : `history_compacted=${dropped}`);
  return { ...idsOf(response), prompt: promptOf(upstream.calls.at(-1)), dropped };
}

async function manyTurns(gateway: TestGateway, count: number, system: string | null) {
  let id: string | null = null;
  const turns: Turn[] = [];
  for (let turn = 0; turn < count; turn++) {
    const message = `question ${turn} ${'of words '.repeat(4)}`;
    answerWith(`answer ${turn} ${'in words '.repeat(4)}`);
    const body = { conversation_id: id, message, ...(system === null ? {} : { system }) };
    const spoken: Awaited<ReturnType<typeof speak>> = await speak(gateway, body);
    ({ id } = spoken);
    turns.push(spoken);
  }
  return { id: id ?? '', turns };
}

const rolesIn = (prompt: string) =>
  (JSON.parse(prompt) as SentMessage[]).map(({ role }) => role).join(' ');
const questionsIn = (prompt: string) => prompt.split('"role":"user"').length - 1;

/** Every prompt begins with the one before, but for the few that were cut, which begin with a whole turn. */
function checkCuts(turns: readonly Turn[], { system, limit }: { system: string; limit: number }) {
  const cuts: number[] = [];
  for (const [at, { prompt, dropped }] of turns.entries()) {
    expect(tokensIn(prompt)).toBeLessThanOrEqual(limit);
    const before = turns[at - 1]?.prompt;
    if (before === undefined) continue;
    if (dropped === 0) {
      expect(prompt).toStartWith(`${before.slice(0, -1)},`);
      continue;
    }
    cuts.push(at);
    expect(prompt).toStartWith(`[${system}`);
    expect(rolesIn(prompt.replace(system, ''))).toMatch(/^(user assistant )+user$/);
    expect(questionsIn(prompt)).toBe(questionsIn(before) + 1 - dropped);
    // What stays is the end of what was there, byte for byte.
    const kept = prompt.slice(`[${system}`.length, prompt.lastIndexOf(',{"role":"assistant"'));
    expect(before).toContain(kept);
  }
  return cuts;
}

describe('a conversation that outgrows its window', () => {
  test.each([null, 'Be brief.'])(
    'is cut in rare steps, and goes on byte for byte between them (system %p)',
    async (system) => {
      const gateway = await start('context_window: 400,');
      const { id, turns } = await manyTurns(gateway, 24, system);
      const wire = system === null ? '' : `{"role":"system","content":"${system}"},`;
      const cuts = checkCuts(turns, { system: wire, limit: 360 });
      expect(cuts.length).toBeGreaterThanOrEqual(2);
      for (const [index, cut] of cuts.entries()) {
        expect(cut - (cuts[index - 1] ?? 0)).toBeGreaterThan(2);
        expect(turns[cut]?.dropped).toBeGreaterThan(1);
      }

      // Nothing of it is forgotten.
      const stored = await conversation(gateway, id);
      expect(stored).toMatchObject({ message_count: 48, system });
      expect(stored.messages[0]?.content).toStartWith('question 0 ');
      const lines = await (await gateway.request(`/c1/conversations/${id}/export`)).text();
      const found = await gateway.request('/c1/conversations?q=answer%200');
      for (let turn = 0; turn < 24; turn++) expect(lines).toContain(`question ${turn} `);
      expect(((await found.json()) as { total: number }).total).toBe(1);
    },
  );

  test('is cut rarely too when the answer may take more than the window', async () => {
    const gateway = await start('context_window: 400,');
    let id: string | null = null;
    const turns: Turn[] = [];
    for (let turn = 0; turn < 24; turn++) {
      answerWith(`answer ${turn}`);
      const body = { conversation_id: id, message: `question ${turn}`, max_tokens: 4096 };
      const spoken: Awaited<ReturnType<typeof speak>> = await speak(gateway, body);
      ({ id } = spoken);
      turns.push(spoken);
    }
    const cuts = checkCuts(turns, { system: '', limit: 400 });
    expect(cuts.length).toBeGreaterThanOrEqual(2);
    expect(cuts.length).toBeLessThan(8);
  });

  test.each([
    ['vLLM', { id: 'fake-model', max_model_len: 400 }],
    ['llama.cpp', { id: 'fake-model', meta: { n_ctx_train: 131_072, n_ctx: 400 } }],
  ])('has the window that %s says it has', async (_, listed) => {
    const gateway = await start('', [{ id: 'other', max_model_len: 10 }, listed]);
    const { turns } = await manyTurns(gateway, 14, null);
    expect(checkCuts(turns, { system: '', limit: 360 }).length).toBeGreaterThanOrEqual(1);
  });

  test.each([
    ['says nothing', [{ id: 'fake-model' }]],
    ['says it of another model', [{ id: 'other', max_model_len: 100 }]],
    ['says nonsense', [{ id: 'fake-model', max_model_len: '100' }, 7, null, {}]],
    ['says there is none', [{ id: 'fake-model', max_model_len: 0 }]],
  ] as [string, object[]][])('is left whole where the upstream %s', async (_, listed) => {
    const gateway = await start('', listed);
    const { turns } = await manyTurns(gateway, 14, null);
    expect(checkCuts(turns, { system: '', limit: 1e6 })).toEqual([]);
  });

  test('never loses a tool call from its result', async () => {
    const gateway = await start('context_window: 400,');
    let id: string | null = null;
    let cuts = 0;
    for (let turn = 0; turn < 12; turn++) {
      const fn = { name: 'look', arguments: `{"at":"${'here '.repeat(6)}"}` };
      const call = { index: 0, id: `call_${turn}`, type: 'function', function: fn };
      upstream.script = (asked) =>
        replySse(asked, [chunk({ tool_calls: [call] }), chunk({}, 'tool_calls'), '[DONE]']);
      const calling: Awaited<ReturnType<typeof speak>> = await speak(gateway, {
        conversation_id: id,
        message: `look ${turn}`,
      });
      ({ id } = calling);
      answerWith('seen');
      const tool_results = [{ tool_call_id: `call_${turn}`, content: 'found '.repeat(6) }];
      const { dropped, prompt } = await speak(gateway, { conversation_id: id, tool_results });
      cuts += Math.sign(dropped) + Math.sign(calling.dropped);
      expect(rolesIn(prompt)).toMatch(/^(user assistant tool assistant )*user assistant tool$/);
      const messages = sentMessages(upstream.calls.at(-1));
      for (const [at, message] of messages.entries()) {
        if (message.role !== 'tool') continue;
        expect(messages[at - 1]?.tool_calls?.[0]?.id).toBe(message.tool_call_id ?? 'none');
      }
    }
    expect(cuts).toBeGreaterThanOrEqual(2);
  });

  test('is cut again when it is answered again, and whole on a branch before the cut', async () => {
    const gateway = await start('context_window: 400,');
    const { id, turns } = await manyTurns(gateway, 14, null);
    expect(turns.some(({ dropped }) => dropped > 0)).toBe(true);
    const { messages } = await conversation(gateway, id);
    const last = turns.at(-1)?.prompt ?? '';
    const again = await speak(gateway, { conversation_id: id, parent: messages.at(-2)?.id });
    expect(again).toMatchObject({ prompt: last, dropped: 0 });
    const early = await speak(gateway, {
      conversation_id: id,
      parent: messages[1]?.id,
      message: 'early',
    });
    expect(early.dropped).toBe(0);
    expect((JSON.parse(early.prompt) as SentMessage[]).map(({ content }) => content)).toEqual([
      messages[0]?.content,
      messages[1]?.content,
      'early',
    ]);
  });

  test('is cut again by the turn after one that failed', async () => {
    const gateway = await start('context_window: 400,');
    let { id, turns } = await manyTurns(gateway, 1, null);
    while (turns.at(-1)?.dropped === 0) {
      upstream.script = (call) => replySse(call, [chunk({ content: 'half' })]);
      const message = `question ${turns.length} ${'of words '.repeat(4)}`;
      const response = await chat(gateway, { conversation_id: id, message, max_tokens: 40 });
      expect(response.status).toBe(502);
      const failed = promptOf(upstream.calls.at(-1));
      answerWith(`answer ${'in words '.repeat(4)}`);
      const spoken = await speak(gateway, { conversation_id: id, message });
      expect(spoken.prompt).toBe(failed);
      turns = [...turns, spoken];
    }
    expect(checkCuts(turns, { system: '', limit: 360 })).toEqual([turns.length - 1]);
  });

  test('is exported with the place of its cut, and goes on from there where it is imported', async () => {
    const gateway = await start('context_window: 400,');
    const { id, turns } = await manyTurns(gateway, 11, null);
    expect(turns.some(({ dropped }) => dropped > 0)).toBe(true);
    const lines = await (await gateway.request(`/c1/conversations/${id}/export`)).text();
    const other = await start('context_window: 400,');
    const imported = await other.request('/c1/import', {
      body: lines,
      headers: { 'content-type': 'application/jsonl' },
    });
    expect(imported.status).toBe(201);
    const next = await speak(other, { conversation_id: id, message: 'go on' });
    expect(next.prompt).toStartWith(turns.at(-1)?.prompt.slice(0, -1) ?? 'none');
    await said(other, { conversation_id: id, message: 'and on' });
  });
});
