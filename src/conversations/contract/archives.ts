// The contract of archives: all of a conversation comes out, and goes in again as it was.
import { describe, expect, test } from 'bun:test';
import { newId } from '../../domain/ids.ts';
import type { Blob, Scope } from '../conversation.ts';
import type { ConversationArchive, ConversationStore } from '../store.ts';
import * as samples from './samples.ts';

const { accepted, ending, exchange, firstTurn, newBlob, newEpoch, newNode, newScope, nextTurn } =
  samples;

export function archiveContract(open: () => ConversationStore): void {
  describe('an archive', () => archives(open));
  describe('restoring', () => {
    restores(open);
    refusals(open);
  });
}

interface Kept {
  readonly scope: Scope;
  readonly id: string;
  readonly archive: ConversationArchive;
  readonly blob: Blob;
  /** On the branch that is not the path. */
  readonly branch: samples.Exchange;
}

/** A conversation with all there is: branches, epochs, an image, a failed turn, and one that runs. */
async function keep(store: ConversationStore, scope: Scope): Promise<Kept> {
  const blob = newBlob(`kept ${Math.random()}`);
  const wire = `{"role":"user","content":"\u0000${blob.sha256}\u0000 😀"}`;
  const input = [newNode(null, 'user', { wire, text: 'osprey', blobs: [blob.sha256] })];
  const idempotencyKey = newId('req');
  const create = { title: 'Kept' };
  const opening = firstTurn(scope, { input, blobs: [blob], create, idempotencyKey });
  const first = await exchange(store, opening, { text: 'heron', extra: '{"reasoning":"…"}' });
  const branch = await exchange(store, nextTurn(opening, first.output), 'ostrich');
  const head = branch.output.id;
  const epoch = newEpoch(1, { tools: '[]' });
  const edited = nextTurn(opening, first.output, { head, epoch, expectedCachedTokens: 64 });
  const second = await exchange(store, edited, 'emu');
  const failing = nextTurn(opening, second.output, { createdAt: 1_200 });
  await accepted(store, failing);
  const errorReply = { status: 504, retryAfterMs: null };
  const failure = { status: 'failed', errorCode: 'upstream_timeout', errorReply } as const;
  await store.finish(ending(failing, failure));
  await store.append([{ turnId: opening.turnId, seq: 0, payload: 'osprey' }]);
  const id = opening.conversationId;
  await store.change(scope, id, { metadata: { ['__proto__']: 'own', b: 'ü' } });
  return { scope, id, archive: await archiveOf(store, scope, id), blob, branch };
}

async function archiveOf(
  store: ConversationStore,
  scope: Scope,
  id: string,
): Promise<ConversationArchive> {
  const archive = await store.archive(scope, id);
  if (archive === null) throw new Error('there is no such conversation');
  return archive;
}

function archives(open: () => ConversationStore): void {
  test('holds every branch, epoch, image and ended turn', async () => {
    const { scope, id, archive, blob, branch } = await keep(open(), newScope('eve'));
    expect(archive.conversation).toEqual(
      (await open().conversation(scope, id)) ?? archive.conversation,
    );
    expect(archive.epochs.map(({ ordinal }) => ordinal)).toEqual([0, 1]);
    expect(archive.nodes).toHaveLength(7);
    const seen = new Set<string | null>([null]);
    for (const node of archive.nodes) {
      expect(seen.has(node.parent)).toBe(true);
      seen.add(node.id);
    }
    const other = await open().path(id, branch.output.id);
    for (const node of other) expect(archive.nodes).toContainEqual(node);
    expect(archive.blobs).toEqual([blob]);
    expect(archive.turns.map(({ status }) => status)).toEqual([
      'completed',
      'completed',
      'completed',
      'failed',
    ]);
    for (const turn of archive.turns) expect(await open().turn(scope, turn.id)).toEqual(turn);
  });

  test('of a conversation with a running turn has its question, not the turn', async () => {
    const turn = await accepted(open(), firstTurn(newScope()));
    const { nodes, turns } = await archiveOf(open(), turn.scope, turn.conversationId);
    expect([nodes, turns]).toEqual([[...turn.input], []]);
  });

  test("is nobody else's", async () => {
    const { scope, id } = await keep(open(), newScope('eve'));
    for (const stranger of [newScope('eve'), { ...scope, userId: null }]) {
      expect(await open().archive(stranger, id)).toBeNull();
    }
    expect(await open().archive(scope, 'conv_unknown')).toBeNull();
  });
}

function restores(open: () => ConversationStore): void {
  test('brings all of it back, but for the events', async () => {
    const { scope, id, archive, blob } = await keep(open(), newScope('eve'));
    await open().remove(scope, id);
    expect(await open().blobs([blob.sha256])).toEqual([]);
    expect(await open().restore(scope, archive)).toBe(true);
    expect(await archiveOf(open(), scope, id)).toEqual(archive);
    for (const turn of archive.turns) expect(await open().events(turn.id, -1)).toEqual([]);
    const search = async (query: string) =>
      (await open().list(scope, { limit: 9, offset: 0, query })).items.map((found) => found.id);
    expect(await search('osprey emu')).toEqual([id]);
    expect(await search('ostrich')).toEqual([]);
  });

  test('gives it to whoever restores it', async () => {
    const { scope, id, archive } = await keep(open(), newScope('eve'));
    await open().remove(scope, id);
    const heir = newScope('bob');
    expect(await open().restore(heir, archive)).toBe(true);
    expect(await open().conversation(scope, id)).toBeNull();
    expect(await open().conversation(heir, id)).toEqual({ ...archive.conversation, userId: 'bob' });
    expect(await open().turn(heir, archive.turns[0]?.id ?? '')).toEqual(archive.turns[0] ?? null);
  });

  test('leaves a conversation that can be gone on with, moved and forked as before', async () => {
    const { scope, id, archive, branch } = await keep(open(), newScope());
    await open().remove(scope, id);
    await open().restore(scope, archive);
    const head = archive.conversation.head;
    const more = { ...samples.repeatedTurn(branch.turn, head), scope };
    await exchange(open(), more, 'kiwi');
    expect(await open().moveHead(scope, id, branch.output.id)).toBe('moved');
    const moved = await open().conversation(scope, id);
    expect(moved?.epoch).toEqual(archive.epochs[0] ?? archive.conversation.epoch);
    const fork = { scope, id, node: head ?? '', newId: newId('conv'), title: null, createdAt: 1 };
    expect((await open().fork(fork))?.epoch).toEqual(archive.conversation.epoch);
  });

  test('knows the epoch of a message whose turn is not in the archive from what it follows', async () => {
    const { turn, output } = await exchange(open(), firstTurn(newScope()));
    const [id, epoch] = [newId('conv'), newEpoch(1, { model: 'other' })];
    const { scope } = turn;
    const fork = { scope, id: turn.conversationId, node: output.id, newId: id };
    await open().fork({ ...fork, title: null, createdAt: 1 });
    const more = nextTurn(turn, output, { conversationId: id, epoch });
    const second = await exchange(open(), more);
    const running = await accepted(open(), nextTurn(second.turn, second.output));
    const archive = await archiveOf(open(), scope, id);
    await open().remove(scope, id);
    expect(await open().restore(scope, archive)).toBe(true);
    const epochs: string[] = [];
    for (const node of [output.id, running.inputNode]) {
      expect(await open().moveHead(scope, id, node)).toBe('moved');
      epochs.push((await open().conversation(scope, id))?.epoch.id ?? '');
    }
    expect(epochs).toEqual([turn.epoch?.id ?? '', epoch.id]);
  });

  test('keeps a title from being replaced by a suggestion', async () => {
    const { scope, id, archive } = await keep(open(), newScope());
    await open().remove(scope, id);
    await open().restore(scope, archive);
    await open().suggestTitle(id, 'Suggested');
    expect((await open().conversation(scope, id))?.title).toBe('Kept');
  });

  test('of a conversation without a completed turn is possible', async () => {
    const turn = await accepted(open(), firstTurn(newScope()));
    await open().finish(ending(turn, { status: 'failed', errorCode: 'internal_error' }));
    const archive = await archiveOf(open(), turn.scope, turn.conversationId);
    await open().remove(turn.scope, turn.conversationId);
    expect(await open().restore(turn.scope, archive)).toBe(true);
    expect(await archiveOf(open(), turn.scope, turn.conversationId)).toEqual(archive);
  });
}

function refusals(open: () => ConversationStore): void {
  test('what is there, whoever has it, changes nothing', async () => {
    const { scope, id, archive } = await keep(open(), newScope());
    for (const asking of [scope, newScope()]) {
      expect(await open().restore(asking, archive)).toBe(false);
      const conversation = { ...archive.conversation, id: newId('conv') };
      // Its turns are there.
      expect(await open().restore(asking, { ...archive, conversation })).toBe(false);
      expect(await open().conversation(asking, conversation.id)).toBeNull();
    }
    expect(await archiveOf(open(), scope, id)).toEqual(archive);
  });

  test('leaves an idempotency key to the turn that has it by now', async () => {
    const { scope, id, archive } = await keep(open(), newScope());
    const key = archive.turns[0]?.idempotencyKey ?? '';
    await open().remove(scope, id);
    const since = await accepted(open(), firstTurn(scope, { idempotencyKey: key }));
    expect(await open().restore(scope, archive)).toBe(true);
    expect((await open().turn(scope, archive.turns[0]?.id ?? ''))?.idempotencyKey).toBeNull();
    const again = firstTurn(scope, { idempotencyKey: key });
    const outcome = { outcome: 'repeated' as const, turnId: since.turnId };
    expect(await open().accept(again)).toEqual(outcome);
  });

  test("shows nobody else's images, and leaves nothing of an archive that does not fit", async () => {
    const { scope, id, archive } = await keep(open(), newScope());
    const blob = newBlob(`another's ${Math.random()}`);
    const input = [newNode(null, 'user', { blobs: [blob.sha256] })];
    await exchange(open(), firstTurn(newScope(), { input, blobs: [blob] }));
    await open().remove(scope, id);
    const [node, ...nodes] = archive.nodes;
    if (node === undefined) throw new Error('the archive has messages');
    const wrong: Partial<ConversationArchive>[] = [
      { nodes: [{ ...node, blobs: [blob.sha256] }, ...nodes] },
      { nodes },
      { epochs: [] },
      { turns: archive.turns.map((turn) => ({ ...turn, status: 'streaming' as const })) },
    ];
    for (const changes of wrong) {
      const call = open().restore(scope, { ...archive, ...changes });
      expect(await samples.refusedBy(call)).toBeInstanceOf(Error);
      expect(await open().archive(scope, id)).toBeNull();
    }
    expect(await open().restore(scope, archive)).toBe(true);
  });
}
