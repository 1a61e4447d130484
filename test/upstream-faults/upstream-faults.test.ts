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
import { TOKEN, type TestGateway } from '../harness/gateway.ts';
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

/** A gateway retries twenty times before it has to save, and a row may take a retry for each view. */
const ROWS_PER_GATEWAY = 5;

/** Rows that can share a gateway, to which nothing of the row before sticks. */
function groups(): (readonly FaultRow[])[] {
  const byKind = Object.values(
    Object.groupBy(ROWS, ({ timeouts, keepsAlive }) => `${timeouts} ${keepsAlive}`),
  );
  return byKind.flatMap((rows = []) =>
    Array.from({ length: Math.ceil(rows.length / ROWS_PER_GATEWAY) }, (_, at) =>
      rows.slice(at * ROWS_PER_GATEWAY, (at + 1) * ROWS_PER_GATEWAY),
    ),
  );
}

for (const group of groups()) {
  describe('upstream faults', () => {
    let world: World;
    beforeAll(async () => {
      world = await startWorld(group[0]?.timeouts);
    });
    afterAll(() => world.close());

    for (const row of group)
      describe(`${row.id}, an upstream that ${row.does}`, () => testRow(row, () => world));
  });
}

function testRow(row: FaultRow, world: () => World): void {
  const model = row.alias ?? 'test-model';
  const headersFor = (name: ViewName) => ({ 'x-request-id': idOf(row, name) });
  let failedBefore = 0;
  beforeAll(async () => {
    failedBefore = await world().failedAttempts();
  });

  const expectCircuit = async () => {
    if (row.circuit) expect(await world().backend(model)).toMatchObject({ circuit: row.circuit });
  };

  test.each(['/v1 stream', '/v1 whole'] as const)('as %s shows it', async (name) => {
    const { gateway, during } = world();
    const body = { model, stream: name === '/v1 stream' };
    const response = await during(row, () => ask(gateway, body, { headers: headersFor(name) }));
    await expectView(response, { view: row.views[name], name, row });
    await expectCircuit();
  });

  test.each(['/c1 stream', '/c1 whole'] as const)(
    'as %s shows and keeps it, and the conversation goes on',
    async (name) => {
      const { gateway, during, upstream } = world();
      const { conversation_id } = await said(gateway, { message: 'before' });
      const { head } = await conversation(gateway, conversation_id);
      const body = { conversation_id, model, message: 'unlucky', stream: name === '/c1 stream' };
      const response = await during(row, () => chat(gateway, body, { headers: headersFor(name) }));
      const { id, turn } = idsOf(response);
      expect(id).toBe(conversation_id);
      const view = row.views[name];
      await expectView(response, { view, name, row });
      await expectCircuit();
      await gateway.logged('turn finished', turn);

      const kept = await shownTurn(gateway, turn);
      expect(kept).toMatchObject(keptOf(view));
      const now = await conversation(gateway, conversation_id);
      expect(now.head).toBe(view.kind === 'answers' ? kept.output_node : head);
      await said(gateway, { conversation_id, message: 'after', expected_head: now.head });
      const prompt = sentMessages(upstream.calls.at(-1)).map(({ content }) => content);
      const unlucky = view.kind === 'answers' ? ['unlucky', view.text] : [];
      expect(prompt).toEqual(['before', 'ok', ...unlucky, 'after']);
    },
  );

  test('leaves one log line a request, a count of what failed, no secret, and nothing open', async () => {
    const { gateway, failedAttempts, expectNothingOpen, backend } = world();
    for (const name of VIEWS) await expectLogged(gateway, { row, name });
    expect(gateway.logText()).not.toMatch(SECRETS);
    if (row.never) expect(gateway.logText()).not.toMatch(row.never);
    expect((await failedAttempts()) - failedBefore).toBe(sumOf(row));
    await expectNothingOpen(row.keepsAlive ?? false);
    expect(await backend(model)).toMatchObject({ running: 0, waiting: 0 });
  });
}

const SECRETS = new RegExp(`${UPSTREAM_KEY}|${TOKEN}|unlucky|<html`);

const idOf = (row: FaultRow, name: ViewName): string =>
  `row-${ROWS.indexOf(row)}-${name.slice(1).replace(' ', '-')}`;

interface Seen {
  readonly view: View;
  readonly name: ViewName;
  readonly row: FaultRow;
}

/** Holds a reply against what the row says of it. */
async function expectView(response: Response, { view, name, row }: Seen): Promise<void> {
  expect(response.headers.get('x-request-id')).toBe(idOf(row, name));
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
  else expectStream(text, { view, name, row });
}

function expectAnswer(text: string, content: string): void {
  const [choice] = (JSON.parse(text) as Reply).choices;
  expect(choice.message.content).toBe(content);
  expect(choice.finish_reason).toBe('stop');
}

interface SeenStream extends Seen {
  readonly view: Exclude<View, { kind: 'fails' }>;
}

function expectStream(text: string, { view, name, row }: SeenStream): void {
  const frames = framesOf(text);
  const last = frames.at(-1)?.data ?? '';
  expect(joinedText(frames.filter(({ data }) => !data.includes('"index":1')))).toBe(view.text);
  if (view.kind === 'answers') {
    expect(last).toBe('[DONE]');
    expect(text).toContain('"finish_reason":"stop"');
    return;
  }
  const { type, retryable } = ERROR_CATALOGUE[view.code];
  const error = { code: view.code, type, retryable, request_id: idOf(row, name) };
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
  gateway: TestGateway,
  { row, name }: { row: FaultRow; name: ViewName },
): Promise<void> {
  const view = row.views[name];
  const request = `"request_id":"${idOf(row, name)}"`;
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
