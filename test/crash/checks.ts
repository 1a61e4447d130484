// After each restart: whatever any client was told is in the database and comes back through the API, and what a
// crash interrupted has an end.
import { Database } from 'bun:sqlite';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { framesOf } from '../harness/c1.ts';
import type { Ask, SeenConversation, SeenTurn, TerminalStatus } from './book.ts';
import { answerTo, type Engine } from './engine.ts';
import type { Life } from './life.ts';

export interface CheckDeps {
  readonly life: Life;
  readonly engine: Engine;
  readonly directory: string;
}

interface TurnRow {
  readonly id: string;
  readonly conversation: string;
  readonly status: string;
  readonly question: string;
  readonly answer: string | null;
  readonly ended_at: number | null;
}

/** Everything that was touched since the last check. The gateway is up, and nobody uses it yet. */
export async function checkTouched({ life, engine, directory }: CheckDeps): Promise<void> {
  const { book } = life;
  const asks = [...book.touched];
  using db = openDatabase(directory);
  const busy = db
    .prepare<{ id: string }, []>("SELECT id FROM turn WHERE status IN ('accepted', 'streaming')")
    .all();
  if (busy.length > 0) book.fault(`open after a restart: ${busy.map(({ id }) => id).join()}`);
  const touched = new Set(
    asks.flatMap(({ turn, conversation }) => turn?.conversation ?? conversation ?? []),
  );
  // First of all: what was not deleted after all is looked at like everything else.
  for (const conversation of touched)
    if (conversation.deleted === 'maybe') await settleDelete(conversation, life);
  for (const ask of asks) {
    findLost(ask, { life, engine, db });
    if (ask.turn && ask.turn.conversation.deleted === 'no') checkRow(ask.turn, life, db);
  }
  const turns = asks.flatMap(({ turn }) => turn ?? []);
  for (const conversation of new Set(turns.map((turn) => turn.conversation))) {
    if (conversation.deleted === 'yes') checkGone(conversation, life, db);
    else checkChain(conversation, life, db);
  }
  for (const turn of turns) {
    if (turn.conversation.deleted === 'no') await checkReadable(turn, life);
  }
  for (const ask of asks) book.touched.delete(ask);
}

export function checkIntegrity({ life, directory }: Pick<CheckDeps, 'life' | 'directory'>): void {
  using db = openDatabase(directory);
  const found = db.prepare<{ integrity_check: string }, []>('PRAGMA integrity_check').all();
  if (found.length !== 1 || found[0]?.integrity_check !== 'ok')
    life.book.fault(`integrity_check: ${JSON.stringify(found)}`);
  const orphans = db.prepare('PRAGMA foreign_key_check').all();
  if (orphans.length > 0) life.book.fault(`foreign_key_check: ${JSON.stringify(orphans)}`);
  life.book.counts.integrityChecks++;
}

function openDatabase(directory: string): Database {
  return new Database(join(directory, 'gateway.db'), { readonly: true });
}

/** What the upstream was asked was accepted before, and only once; a client that was cut off may not know of it. */
function findLost(
  ask: Ask,
  { life, engine, db }: Pick<CheckDeps, 'life' | 'engine'> & { db: Database },
): void {
  const { book } = life;
  const calls = engine.callsOf(ask.mark);
  const isDeleted = (ask.turn?.conversation ?? ask.conversation ?? { deleted: 'no' }).deleted;
  if (calls > 1) book.fault(`${ask.mark} was generated ${calls} times`);
  if (ask.key === null || ask.turn || isDeleted !== 'no') return;
  const made = db
    .prepare<{ id: string; conversation: string }, [string]>(
      'SELECT id, conversation FROM turn WHERE idempotency_key = ?',
    )
    .all(ask.key);
  if (made.length > 1) book.fault(`${ask.key} made ${made.length} turns`);
  const [turn] = made;
  if (turn) book.acknowledged(ask, { turn: turn.id, conversation: turn.conversation });
  else if (calls > 0) book.fault(`${ask.mark} was asked upstream, and is not stored`);
}

/** The question is there, the turn has one end, and what it was answered is sealed. */
function checkRow(turn: SeenTurn, { book }: Life, db: Database): void {
  const row = db
    .prepare<TurnRow, [string]>(`
      SELECT turn.id, turn.conversation, status, ended_at, input.text AS question, output.text AS answer
      FROM turn
      JOIN node AS input ON input.conversation = turn.conversation AND input.id = input_node
      LEFT JOIN node AS output ON output.conversation = turn.conversation AND output.id = output_node
      WHERE turn.id = ?`)
    .get(turn.id);
  if (row === null) {
    book.fault(`${turn.id} was accepted, and is gone`);
    return;
  }
  const { ask } = turn;
  if (row.conversation !== turn.conversation.id) book.fault(`${turn.id} changed its conversation`);
  if (ask.question !== null && row.question !== ask.question)
    book.fault(
      `${turn.id} asks ${JSON.stringify(row.question)}, not ${JSON.stringify(ask.question)}`,
    );
  book.sawEnd(turn, row.status as TerminalStatus);
  if (row.ended_at === null) book.fault(`${turn.id} is ${row.status} and has not ended`);
  if (row.status === 'completed') book.sawAnswer(turn, row.answer ?? '');
  else if (row.status === 'failed' && row.answer !== null)
    book.fault(`${turn.id} failed and answers`);
  else if (!answerTo(ask.mark).startsWith(row.answer ?? ''))
    book.fault(`${turn.id} was cancelled with ${JSON.stringify(row.answer)}`);
}

/** Every frame that a client saw, in its place; the text; and for a whole reply, the same bytes again. */
async function checkReadable(turn: SeenTurn, life: Life): Promise<void> {
  const { book } = life;
  const response = await life.request(`/c1/turns/${turn.id}/events`);
  const frames = framesOf(await life.text(response));
  const end = frames.pop();
  const isDone = end?.data === '[DONE]';
  if (isDone !== (turn.status === 'completed') || (!isDone && !end?.data.startsWith('{"error":')))
    book.fault(`${turn.id} is ${turn.status}, and its events end with ${end?.data}`);
  frames.forEach(({ id }, seq) => {
    if (id !== `${turn.id}.${seq}`) book.fault(`${turn.id} has ${id} as its event ${seq}`);
  });
  turn.frames.forEach((json, seq) => {
    book.counts.framesChecked++;
    if (frames[seq]?.data !== json)
      book.fault(`${turn.id}.${seq} was ${json}, and is ${frames[seq]?.data} now`);
  });
  frames.forEach(({ data }, seq) => book.sawFrame(turn, seq, data));
  const text = await life.text(await life.request(`/c1/turns/${turn.id}`));
  const shown = JSON.parse(text) as { status: string; text: string };
  if (shown.status !== turn.status) book.fault(`${turn.id} is ${shown.status}, not ${turn.status}`);
  if (shown.status === 'completed') book.sawAnswer(turn, shown.text);
  else if (!answerTo(turn.ask.mark).startsWith(shown.text))
    book.fault(`${turn.id} has kept ${JSON.stringify(shown.text)}`);
}

async function settleDelete(conversation: SeenConversation, life: Life): Promise<void> {
  const { status } = await life.request(`/c1/conversations/${conversation.id}`);
  if (status !== 200 && status !== 404) life.book.fault(`${conversation.id} reads as ${status}`);
  conversation.deleted = status === 404 ? 'yes' : 'no';
}

function checkGone({ id, turns }: SeenConversation, { book }: Life, db: Database): void {
  for (const table of ['turn', 'node', 'epoch', 'node_blob', 'search_entry']) {
    const left = db.prepare(`SELECT 1 FROM ${table} WHERE conversation = ?`).all(id);
    if (left.length > 0) book.fault(`${id} was deleted, and ${table} still has rows of it`);
  }
  const events = db.prepare('SELECT 1 FROM turn_event WHERE turn = ? LIMIT 1');
  for (const turn of turns) {
    if (events.get(turn.id) !== null) book.fault(`${turn.id} was deleted, and its events are left`);
  }
}

interface NodeRow {
  readonly id: string;
  readonly parent: string | null;
  readonly wire: Uint8Array;
  readonly prefix_hash: string;
}

function checkChain({ id }: SeenConversation, { book }: Life, db: Database): void {
  const nodes = db
    .prepare<NodeRow, [string]>(
      'SELECT id, parent, wire, prefix_hash FROM node WHERE conversation = ?',
    )
    .all(id);
  const hashes = new Map(nodes.map((node) => [node.id, node.prefix_hash]));
  for (const { id: node, parent, wire, prefix_hash } of nodes) {
    const before = parent === null ? '' : (hashes.get(parent) ?? 'no such node');
    const hash = createHash('sha256').update(before).update(wire).digest('hex');
    if (hash !== prefix_hash) book.fault(`the hash chain of ${id} is broken at ${node}`);
  }
}
