// Every prompt of a conversation begins with the bytes of the one before and the answer to it; and what a client saw,
// what is stored, what is shown and what goes upstream next are the same text. By property, over random conversations.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import {
  chat,
  conversation,
  framesOf,
  gif,
  joinedText,
  rows,
  sentMember,
  type Reply,
  type SentMessage,
} from './harness/c1.ts';
import {
  beginSse,
  chunk,
  configFor,
  sse,
  startFakeUpstream,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';

const TRICKY = [
  '```ts\nconst a = "b";\n```\n',
  '  leading and trailing  \n\n',
  '"quoted" \\ back\\\\slash \\u0041 \\n',
  '日本語、한국어 and 中文',
  '👩‍👩‍👧‍👦 e\u0301 🇮🇹',
  '\u0000 NUL \u0001 \u001f \u007f',
  '\ud800',
  'low \udc00 first \udbff',
  '\ufeffBOM \u2028 \u2029 \u200b',
  'data: [DONE]\n\nid: 7\n\n',
  '{"role":"user","content":"no"},{"tool_calls":[]}]',
  '</s><|im_end|>\r\n',
  ' ',
  '\n',
  '__proto__',
];

const text = fc.oneof(
  fc.constantFrom(...TRICKY),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }),
  fc.array(fc.constantFrom(...TRICKY), { minLength: 1, maxLength: 3 }).map((all) => all.join('')),
);

const turn = fc.record({
  message: text,
  images: fc.array(fc.nat(3), { maxLength: 2 }),
  form: fc.constantFrom('text', 'images', 'parts'),
  /** Cut anywhere, also in the middle of a character, into that many deltas. */
  answer: fc.oneof({ weight: 8, arbitrary: text }, { weight: 1, arbitrary: fc.constant('') }),
  deltas: fc.integer({ min: 1, max: 5 }),
  /** The stream's bytes leave the upstream in pieces of this size. */
  pieceSize: fc.integer({ min: 7, max: 2000 }),
  calls: fc.oneof(
    { weight: 2, arbitrary: fc.constant<string[]>([]) },
    { weight: 1, arbitrary: fc.array(text, { minLength: 1, maxLength: 2 }) },
  ),
  result: text,
  answersCalls: fc.boolean(),
  alsoSpeaks: fc.boolean(),
  stream: fc.boolean(),
  ending: fc.oneof(
    { weight: 8, arbitrary: fc.constant('complete') },
    { weight: 1, arbitrary: fc.constant('cut') },
  ),
});

type Turn = typeof turn extends fc.Arbitrary<infer T> ? T : never;

let upstream: FakeUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream, 'storage: { durability: normal }'));
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

test('each prompt extends the one before by the answer and the new message, byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(turn, { minLength: 1, maxLength: 6 }),
      fc.option(text, { nil: null }),
      async (turns, system) => {
        const model = createModel(system);
        for (const [number, planned] of turns.entries()) await take(planned, number, model);
        await checkStored(model);
      },
    ),
    { numRuns: 60, interruptAfterTimeLimit: 20_000 },
  );
}, 60_000);

/** What must be remembered, kept by rules of the test's own. */
interface Model {
  readonly system: string | null;
  id: string | null;
  /** Messages as GET shows them; `open` marks tool calls that have no results. */
  stored: (SentMessage & { open?: boolean })[];
  /** How the next prompt must begin. */
  prefix: string;
}

const createModel = (system: string | null): Model => ({
  system,
  id: null,
  stored: [],
  prefix: '[',
});

async function take(planned: Turn, number: number, model: Model): Promise<void> {
  const { body, input, history, prefix } = question(planned, model);
  upstream.script = async (call) => {
    await beginSse(call);
    const bytes = Buffer.from(eventsOf(planned, number).map(sse).join(''));
    for (let at = 0; at < bytes.length; at += planned.pieceSize) {
      await call.send(bytes.subarray(at, at + planned.pieceSize));
    }
    call.end();
  };
  const response = await chat(gateway, body);
  const reply = await response.text();
  model.id = response.headers.get('x-conversation-id');

  const sent = sentMember(upstream.calls.at(-1) ?? { body: '{}' }, 'messages') ?? '';
  expect(sent.startsWith(prefix)).toBe(true);
  const systemMessage =
    model.system === null ? [] : [{ role: 'system', content: model.system.toWellFormed() }];
  expect(JSON.parse(sent)).toEqual([...systemMessage, ...history, ...input]);

  if (planned.ending === 'cut') {
    expect(response.status === 502 || reply.includes('"upstream_interrupted"')).toBe(true);
    return;
  }
  expect(response.status).toBe(200);
  const shown = planned.stream
    ? joinedText(framesOf(reply))
    : ((JSON.parse(reply) as Reply).choices[0].message.content ?? '');
  expect(shown.toWellFormed()).toBe(planned.answer.toWellFormed());
  if (planned.answer === '' && planned.calls.length === 0) return;

  const answer = answerOf(planned, number);
  const before = model.stored.at(-1);
  if (before && body.tool_results.length > 0) before.open = false;
  model.stored.push(...input, { ...answer, open: planned.calls.length > 0 });
  model.prefix = `${sent.slice(0, -1)}${planned.calls.length > 0 ? '' : `,${sealedAnswer(model)}`}`;
}

/** The request of a turn, the messages that it adds, and those that must stand before them. */
function question(planned: Turn, model: Model) {
  const before = model.stored.at(-1);
  const ids = before?.open ? (before.tool_calls ?? []).map(({ id }) => id) : [];
  const answersCalls = ids.length > 0 && planned.answersCalls;
  // With its results, an answer that called tools is part of the prefix as it was sealed.
  const prefix = answersCalls ? `${model.prefix},${sealedAnswer(model)}` : model.prefix;
  const history = rendered(model.stored, answersCalls);
  const tool_results = answersCalls
    ? ids.map((tool_call_id) => ({ tool_call_id, content: planned.result }))
    : [];
  const speaks = !answersCalls || planned.alsoSpeaks;
  const results = tool_results.map(({ tool_call_id, content }) => ({
    role: 'tool',
    tool_call_id,
    content: content.toWellFormed(),
  }));
  const uris = planned.form === 'text' ? [] : planned.images.map(gif);
  const imageParts = uris.map((url) => ({ type: 'image_url', image_url: { url } }));
  const plain = planned.message.toWellFormed();
  const parts = [{ type: 'text', text: plain }, ...imageParts];
  const asParts = planned.form === 'parts' || uris.length > 0;
  const said = { role: 'user', content: asParts ? parts : plain };
  const body = {
    conversation_id: model.id,
    stream: planned.stream,
    tool_results,
    ...(model.system === null ? {} : { system: model.system }),
    ...(speaks ? { message: planned.form === 'parts' ? parts : planned.message } : {}),
    ...(speaks && planned.form === 'images' ? { images: uris } : {}),
  };
  return { body, input: [...results, ...(speaks ? [said] : [])], history, prefix };
}

/** Tool calls without results are left out of the prompt, and the message with them if it says nothing else. */
function rendered(stored: Model['stored'], answersLast: boolean): SentMessage[] {
  return stored.flatMap(({ open, tool_calls, ...message }, index) => {
    if (!tool_calls) return [message];
    if (!open || (answersLast && index === stored.length - 1)) return [{ ...message, tool_calls }];
    return message.content === null ? [] : [message];
  });
}

function answerOf({ answer, calls }: Turn, number: number): SentMessage {
  const tool_calls = calls.map((args, index) => ({
    id: `call_${number}_${index}`,
    type: 'function',
    function: { name: 'tool', arguments: args.toWellFormed() },
  }));
  return {
    role: 'assistant',
    content: answer === '' ? null : answer.toWellFormed(),
    ...(calls.length > 0 ? { tool_calls } : {}),
  };
}

function eventsOf({ answer, calls, deltas, ending }: Turn, number: number): (string | object)[] {
  const events: (string | object)[] = [chunk({ role: 'assistant', content: '' })];
  for (const content of cut(answer, deltas)) events.push(chunk({ content }));
  for (const [index, args] of calls.entries()) {
    const [first = '', ...rest] = cut(args, deltas);
    const head = { index, id: `call_${number}_${index}`, type: 'function' };
    const fn = { name: 'tool', arguments: first };
    events.push(chunk({ tool_calls: [{ ...head, function: fn }] }));
    for (const more of rest)
      events.push(chunk({ tool_calls: [{ index, function: { arguments: more } }] }));
  }
  if (ending === 'cut') return events;
  return [...events, chunk({}, calls.length > 0 ? 'tool_calls' : 'stop'), '[DONE]'];
}

function cut(whole: string, pieces: number): string[] {
  const size = Math.max(1, Math.ceil(whole.length / pieces));
  return Array.from({ length: Math.ceil(whole.length / size) }, (_, index) =>
    whole.slice(index * size, (index + 1) * size),
  );
}

interface NodeRow {
  id: string;
  parent: string | null;
  wire: Uint8Array;
  text: string;
  prefix_hash: string;
}

function nodesOf({ id }: Model): NodeRow[] {
  return rows<NodeRow>(
    gateway,
    `SELECT id, parent, wire, text, prefix_hash FROM node WHERE conversation = '${id}'`,
  );
}

/** The bytes of the answer at the head. */
function sealedAnswer(model: Model): string {
  const [head] = rows<{ wire: Uint8Array }>(
    gateway,
    `SELECT wire FROM node JOIN conversation ON node.id = head AND conversation.id = '${model.id}'`,
  );
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(head?.wire);
}

/** GET shows the model's messages, texts and bytes are those stored and exported, and the hash chain recomputes. */
async function checkStored(model: Model): Promise<void> {
  const shown = await conversation(gateway, model.id ?? '');
  expect(shown.message_count).toBe(model.stored.length);
  const nodes = new Map(nodesOf(model).map((node) => [node.id, node]));
  const exported = await exportedNodes(model);
  expect(exported.size).toBe(nodes.size);
  let parent = { id: null as string | null, prefix_hash: '' };
  for (const [index, message] of shown.messages.entries()) {
    const { open: _, ...expected } = model.stored[index] ?? { role: 'none' };
    expect(message).toMatchObject(expected);
    const node = nodes.get(message.id);
    if (!node) throw new Error(`${message.id} is not stored`);
    expect(message.parent).toBe(parent.id as string);
    expect(node.text).toBe(textOf(message.content));
    const { text, wire } = exported.get(message.id) ?? {};
    expect(text).toBe(node.text);
    expect(Buffer.from(wire ?? '').equals(Buffer.from(node.wire))).toBe(true);
    const hash = createHash('sha256').update(parent.prefix_hash).update(node.wire).digest('hex');
    expect(node.prefix_hash).toBe(hash);
    parent = node;
  }
  expect(shown.head).toBe(parent.id);
}

/** The messages of an export, which has those of turns without an answer too. */
async function exportedNodes({ id }: Model): Promise<Map<string, { text: string; wire: string }>> {
  const response = await gateway.request(`/c1/conversations/${id}/export`);
  const lines = (await response.text()).trim().split('\n');
  const nodes = lines
    .map((line) => JSON.parse(line) as { type: string; id: string; text: string; wire: string })
    .filter(({ type }) => type === 'node');
  return new Map(nodes.map((node) => [node.id, node]));
}

function textOf(content: unknown): string {
  if (!Array.isArray(content)) return typeof content === 'string' ? content : '';
  return (content as { text?: string }[]).flatMap(({ text }) => text ?? []).join('\n');
}
