// Every fault of an upstream that is known, over real sockets: what a client of each API sees of it, stream or not,
// what is persisted, and that nothing else is left of it. The rows are in the files beside this one.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { ERROR_CATALOGUE } from '../../src/domain/error-catalogue.ts';
import {
  chat,
  conversation,
  errorOf,
  framesOf,
  idsOf,
  joinedText,
  said,
  sentMessages,
  shownTurn,
  type Reply,
} from '../harness/c1.ts';
import { TOKEN } from '../harness/gateway.ts';
import { ask } from '../harness/v1.ts';
import { ANSWERED } from './answered.ts';
import { BEFORE_ANSWER } from './before-answer.ts';
import { MID_ANSWER } from './mid-answer.ts';
import { UPSTREAM_KEY, VIEWS, type FaultRow, type View, type ViewName } from './row.ts';
import { startWorld, type World } from './world.ts';

const ROWS = [...BEFORE_ANSWER, ...MID_ANSWER, ...ANSWERED];

test('every row of the table of upstream faults is here', () => {
  const ids = [...new Set(ROWS.map(({ id }) => Number(id.slice(1))))];
  expect(ids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
});

describe.each(ROWS)('$id, an upstream that $does', (row) => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld(row);
  });
  afterAll(() => world.close());

  test.each(['/v1 stream', '/v1 whole'] as const)('as %s shows it', async (name) => {
    const response = await world.during(() =>
      ask(
        world.gateway,
        { model: world.alias, stream: name === '/v1 stream' },
        { headers: { 'x-request-id': idOf(name) } },
      ),
    );
    await expectView(response, { view: row.views[name], name, row });
  });

  test.each(['/c1 stream', '/c1 whole'] as const)(
    'as %s shows and keeps it, and the conversation goes on',
    async (name) => {
      const { gateway } = world;
      const { conversation_id } = await said(gateway, { message: 'before' });
      const { head } = await conversation(gateway, conversation_id);
      const message = { conversation_id, model: world.alias, message: 'unlucky' };
      const response = await world.during(() =>
        chat(
          gateway,
          { ...message, stream: name === '/c1 stream' },
          { headers: { 'x-request-id': idOf(name) } },
        ),
      );
      const { id, turn } = idsOf(response);
      expect(id).toBe(conversation_id);
      const view = row.views[name];
      await expectView(response, { view, name, row });
      await gateway.logged('turn finished', turn);

      const kept = await shownTurn(gateway, turn);
      expect(kept).toMatchObject(keptOf(view));
      const now = await conversation(gateway, conversation_id);
      if (view.kind === 'answers') expect(now.head).toBe(kept.output_node);
      else expect(now.head).toBe(head);
      await said(gateway, { conversation_id, message: 'after', expected_head: now.head });
      const prompt = sentMessages(world.upstream.calls.at(-1)).map(({ content }) => content);
      const turnOf = view.kind === 'answers' ? ['unlucky', view.text] : [];
      expect(prompt).toEqual(['before', 'ok', ...turnOf, 'after']);
    },
  );

  test('leaves one log line a request, a count of what failed, no secret, and nothing open', async () => {
    for (const name of VIEWS) await expectLogged(world, { row, name });
    expect(world.gateway.logText()).not.toMatch(SECRETS);
    expect(await world.failedAttempts()).toBe(sumOf(row));
    await world.expectNothingOpen();
    const [backend] = await world.backends();
    expect(backend).toMatchObject({ running: 0, waiting: 0 });
  });
});

const SECRETS = new RegExp(`${UPSTREAM_KEY}|${TOKEN}|unlucky|<html`);

const idOf = (name: ViewName): string => name.slice(1).replace(' ', '-');

interface Seen {
  readonly view: View;
  readonly name: ViewName;
  readonly row: FaultRow;
}

/** Holds a reply against what the row says of it. */
async function expectView(response: Response, { view, name, row }: Seen): Promise<void> {
  expect(response.headers.get('x-request-id')).toBe(idOf(name));
  const text = await response.clone().text();
  expect(text).not.toContain(UPSTREAM_KEY);
  if (row.never) expect(text).not.toMatch(row.never);
  if (view.kind === 'fails') {
    expect([response.status, (await errorOf(response)).code]).toEqual([view.status, view.code]);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('x-should-retry')).toBe(
      ERROR_CATALOGUE[view.code].retryable ? null : 'false',
    );
    expect(response.headers.get('www-authenticate')).toBeNull();
    if (view.retryAfter) expect(response.headers.get('retry-after')).toBe(view.retryAfter);
    return;
  }
  expect(response.status).toBe(200);
  if (name.endsWith('whole')) expectAnswer(text, view.text);
  else expectStream(text, { view, name });
}

function expectAnswer(text: string, content: string): void {
  const [choice] = (JSON.parse(text) as Reply).choices;
  expect(choice.message.content).toBe(content);
  expect(choice.finish_reason).toBe('stop');
}

interface SeenStream {
  readonly view: Exclude<View, { kind: 'fails' }>;
  readonly name: ViewName;
}

function expectStream(text: string, { view, name }: SeenStream): void {
  const frames = framesOf(text);
  const last = frames.at(-1)?.data ?? '';
  expect(joinedText(frames.filter(({ data }) => !data.includes('"index":1')))).toBe(view.text);
  if (view.kind === 'answers') {
    expect(last).toBe('[DONE]');
    expect(text).toContain('"finish_reason":"stop"');
    return;
  }
  const { type, retryable } = ERROR_CATALOGUE[view.code];
  const error = { code: view.code, type, retryable, request_id: idOf(name) };
  expect(JSON.parse(last)).toMatchObject({ error });
  // An event like any other: whoever resumes after it is told nothing twice.
  if (name === '/c1 stream') expect(frames.at(-1)?.id).toEndWith(`.${frames.length - 1}`);
  expect(text).not.toMatch(/\[DONE\]|"finish_reason":"/);
}

/** What GET /c1/turns/{id} is to say. */
function keptOf(view: View): object {
  if (view.kind === 'answers')
    return { status: 'completed', error_code: null, finish_reason: 'stop', text: view.text };
  const text = view.kind === 'fails' ? view.kept : view.text;
  return { status: 'failed', error_code: view.code, text, output_node: null };
}

const attemptsOf = (view: View): number => (view.kind === 'breaks off' ? 1 : view.attempts);
const failuresOf = (view: View): number => attemptsOf(view) - (view.kind === 'answers' ? 1 : 0);
const sumOf = ({ views }: FaultRow): number =>
  VIEWS.reduce((sum, name) => sum + failuresOf(views[name]), 0);

/** One line for the request, and one for each attempt that failed. */
async function expectLogged(
  { gateway }: World,
  { row, name }: { row: FaultRow; name: ViewName },
): Promise<void> {
  const view = row.views[name];
  const request = `"request_id":"${idOf(name)}"`;
  await gateway.logged(request, '"path"');
  const lines = gateway
    .logText()
    .split('\n')
    .filter((line) => line.includes(request));
  const [line = '', ...more] = lines.filter((candidate) => candidate.includes('"path"'));
  expect(more).toEqual([]);
  if (view.kind === 'answers') expect(line).not.toContain('"error_code"');
  else expect(line).toContain(`"error_code":"${view.code}"`);
  expect(line).toContain(`"attempts":${attemptsOf(view)}`);
  expect(line).toContain(row.logs ?? '');
  const attempts = lines.filter((candidate) => candidate.includes('"attempt failed"'));
  expect(attempts).toHaveLength(failuresOf(view));
  for (const attempt of attempts) expect(attempt).toContain(row.alerts ?? '"level":40');
}
