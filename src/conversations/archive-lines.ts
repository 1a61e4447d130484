// A conversation as JSON Lines, for export and import: a header, then epochs, blobs, nodes and turns, where a line
// refers only to lines before it. Reading trusts nothing: what it lets through is a conversation that this gateway
// could have made, down to the hash of every message and image.
import { ARCHIVE_VERSION, lineError, parseLine } from './archive-line.ts';
import type { ArchiveLine, LineOf } from './archive-line.ts';
import { BLOB_MARK, blobHash } from './blob.ts';
import type { Blob, Conversation, ConversationNode, Epoch } from './conversation.ts';
import type { GatewayError } from '../domain/errors.ts';
import { chainHash } from './node.ts';
import type { ConversationArchive } from './store.ts';
import type { Turn } from './turn.ts';

/** The lines, without their line breaks. */
export function* encodeArchive(archive: ConversationArchive): Generator<string, void> {
  const { messageCount: _count, epoch, ...conversation } = archive.conversation;
  const header = { type: 'conversation', version: ARCHIVE_VERSION };
  yield JSON.stringify({ ...header, ...conversation, epoch: epoch.id });
  for (const each of archive.epochs) yield JSON.stringify({ type: 'epoch', ...each });
  for (const { bytes, ...blob } of archive.blobs) {
    yield JSON.stringify({ type: 'blob', ...blob, data: Buffer.from(bytes).toString('base64') });
  }
  for (const { depth: _depth, ...node } of archive.nodes) {
    yield JSON.stringify({ type: 'node', ...node });
  }
  for (const { conversationId: _conversation, ...turn } of archive.turns) {
    yield JSON.stringify({ type: 'turn', ...turn });
  }
}

/** Throws `invalid_json` or `invalid_field` with the line at fault as its param. Blank lines count, and say nothing. */
export function decodeArchive(lines: Iterable<string>): ConversationArchive {
  const decoder = new Decoder();
  let number = 0;
  for (const text of lines) {
    number += 1;
    if (text.trim() !== '') decoder.add(parseLine(text, number), number);
  }
  return decoder.archive();
}

interface Header {
  readonly line: LineOf<'conversation'>;
  readonly number: number;
}

class Decoder {
  #header: Header | null = null;
  /** Of the line that is looked at. */
  #number = 1;
  readonly #epochs = new Map<string, Epoch>();
  readonly #blobs = new Map<string, Blob>();
  readonly #nodes = new Map<string, ConversationNode>();
  readonly #turns = new Map<string, Turn>();

  add(line: ArchiveLine, number: number): void {
    this.#number = number;
    if (line.type === 'conversation') {
      if (this.#header !== null) throw this.#fault('a second conversation begins');
      this.#header = { line, number };
      return;
    }
    if (this.#header === null) throw this.#fault('the conversation has to come first');
    switch (line.type) {
      case 'epoch':
        return this.#addEpoch(line);
      case 'blob':
        return this.#addBlob(line);
      case 'node':
        return this.#addNode(line);
      case 'turn':
        return this.#addTurn(line, this.#header.line.id);
      default:
        return line satisfies never;
    }
  }

  archive(): ConversationArchive {
    if (this.#header === null) throw this.#fault('there is no conversation in the file');
    const { line, number } = this.#header;
    this.#number = number;
    return {
      conversation: this.#conversation(line),
      epochs: [...this.#epochs.values()],
      nodes: [...this.#nodes.values()],
      blobs: [...this.#blobs.values()],
      turns: [...this.#turns.values()],
    };
  }

  #conversation(line: LineOf<'conversation'>): Conversation {
    const { type: _type, version: _version, ...conversation } = line;
    const epoch = this.#present(this.#epochs, line.epoch);
    const head = line.head === null ? null : this.#present(this.#nodes, line.head);
    return { ...conversation, epoch, messageCount: head === null ? 0 : head.depth + 1 };
  }

  #addEpoch(line: LineOf<'epoch'>): void {
    const { type: _type, profile, ...epoch } = line;
    const { since, ...pinned } = profile;
    this.#assertNew(this.#epochs, epoch.id);
    const whole = since === undefined ? pinned : { ...pinned, since };
    this.#epochs.set(epoch.id, { ...epoch, profile: whole });
  }

  #addBlob({ sha256, mime, data }: LineOf<'blob'>): void {
    this.#assertNew(this.#blobs, sha256);
    const bytes = new Uint8Array(Buffer.from(data, 'base64'));
    if (blobHash({ mime, bytes }) !== sha256) throw this.#fault('sha256 is not that of the image');
    this.#blobs.set(sha256, { sha256, mime, bytes });
  }

  #addNode(line: LineOf<'node'>): void {
    const { type: _type, ...node } = line;
    this.#assertNew(this.#nodes, node.id);
    const parent = node.parent === null ? null : this.#present(this.#nodes, node.parent);
    if (node.prefixHash !== chainHash(parent?.prefixHash ?? '', node.wire)) {
      throw this.#fault('prefixHash is not that of the messages up to here: one was changed');
    }
    for (const hash of node.blobs) this.#present(this.#blobs, hash);
    const marked = new Set(Array.from(node.wire.matchAll(BLOB_MARK), ([, hash = '']) => hash));
    if (marked.symmetricDifference(new Set(node.blobs)).size > 0) {
      throw this.#fault('blobs are not the images that wire shows');
    }
    this.#nodes.set(node.id, { ...node, depth: parent === null ? 0 : parent.depth + 1 });
  }

  #addTurn(line: LineOf<'turn'>, conversationId: string): void {
    const { type: _type, ...turn } = line;
    this.#assertNew(this.#turns, turn.id);
    this.#present(this.#epochs, turn.epochId);
    if (turn.parentNode !== null) this.#present(this.#nodes, turn.parentNode);
    const input = this.#present(this.#nodes, turn.inputNode);
    const output = turn.outputNode === null ? null : this.#present(this.#nodes, turn.outputNode);
    if (output !== null && output.parent !== input.id) {
      throw this.#fault('outputNode does not follow inputNode');
    }
    this.#turns.set(turn.id, { ...turn, conversationId });
  }

  #assertNew(known: ReadonlyMap<string, unknown>, id: string): void {
    if (known.has(id)) throw this.#fault(`${id} is there already`);
  }

  #present<T>(known: ReadonlyMap<string, T>, id: string): T {
    const value = known.get(id);
    if (value === undefined)
      throw this.#fault(`it refers to ${id}, which is missing or comes too late`);
    return value;
  }

  #fault(problem: string): GatewayError {
    return lineError(this.#number, problem);
  }
}
