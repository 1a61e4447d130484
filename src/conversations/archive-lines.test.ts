// The file of an exported conversation: nothing is lost in it, and nothing that does not hang together gets out of it.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { GatewayError } from '../domain/errors.ts';
import { newId } from '../domain/ids.ts';
import { decodeArchive, encodeArchive } from './archive-lines.ts';
import { newEpoch } from './contract/samples.ts';
import { chainHash } from './node.ts';
import { anyArchive, smallArchive } from './testing/archives.ts';

test('any conversation comes out of its lines as it went in', () => {
  fc.assert(
    fc.property(anyArchive, (archive) => {
      const lines = [...encodeArchive(archive)];
      // oxlint-disable-next-line no-control-regex
      expect(
        lines.filter((line) => ['\n', '\r', '\0'].some((mark) => line.includes(mark))),
      ).toEqual([]);
      const file = Buffer.from(lines.map((line) => `${line}\r\n`).join(''));
      const read = decodeArchive(file.toString().split('\n'));
      expect(read).toEqual(archive);
      const { metadata } = read.conversation;
      expect(Object.entries(metadata)).toEqual(Object.entries(archive.conversation.metadata));
    }),
    { numRuns: 150 },
  );
});

/** Header, two epochs, an image, three messages and a turn. */
const LINES = [...encodeArchive(smallArchive())];

interface Malformed {
  readonly lines: readonly string[];
  readonly at: number;
  readonly says: string;
}

describe('a file', () => {
  refuses(framing());
  refuses(repetitions());
  refuses(gaps());
  refuses(forgeries());
  refuses(values());

  test('may have blank lines, which count', () => {
    const [header = '', ...rest] = LINES;
    expect(decodeArchive(['', header, ' \r', ...rest, ''])).toEqual(decodeArchive(LINES));
    const broken = errorOf(() => decodeArchive(['', header, '', '{']));
    expect(broken).toMatchObject({ param: 'line 4' });
  });

  test('from before a turn kept how its failure was told and why its prefix broke has neither', () => {
    const line: unknown = JSON.parse(lineAt(8));
    const { errorReply: _, prefixBreak: __, ...turn } = line as Record<string, unknown>;
    const { turns } = decodeArchive(LINES.toSpliced(7, 1, JSON.stringify(turn)));
    expect(turns).toMatchObject([{ errorReply: null, prefixBreak: null }]);
  });

  test('is read no further than its first fault', () => {
    function* lines() {
      yield '[]';
      throw new Error('it was read on');
    }
    expect(errorOf(() => decodeArchive(lines()))).toMatchObject({ param: 'line 1' });
  });
});

function refuses(files: Readonly<Record<string, Malformed>>): void {
  for (const [name, { lines, at, says }] of Object.entries(files)) {
    test(`${name} is refused, with the line at fault`, () => {
      const error = errorOf(() => decodeArchive(lines));
      expect(error).toBeInstanceOf(GatewayError);
      const code = says === 'is not JSON' ? 'invalid_json' : 'invalid_field';
      expect(error).toMatchObject({ code, param: `line ${at}` });
      expect(String(error)).toContain(`Line ${at}`);
      expect(String(error)).toContain(says);
    });
  }
}

function framing(): Record<string, Malformed> {
  return {
    'of nothing': { lines: [], at: 1, says: 'there is no conversation' },
    'with a line that is cut off': replaced(7, lineAt(7).slice(0, 50), 'is not JSON'),
    'with a line that is a list': replaced(3, '[]', 'must be conversation'),
    'with a line of an unknown type': changed(3, { type: 'note' }, 'type must be conversation'),
    'of a newer version': changed(1, { version: 2 }, 'version must be 1'),
    'without its first line': without(1, 1, 'has to come first'),
    'with an unknown member': changed(6, { colour: 'red' }, 'colour'),
  };
}

function repetitions(): Record<string, Malformed> {
  const twice = (at: number, says = 'is there already'): Malformed => {
    return { lines: LINES.toSpliced(at, 0, lineAt(at)), at: at + 1, says };
  };
  return {
    'with its first line twice': twice(1, 'a second conversation'),
    'with an epoch twice': twice(2),
    'with an image twice': twice(4),
    'with a message twice': twice(5),
    'with a turn twice': twice(8),
  };
}

function gaps(): Record<string, Malformed> {
  const early = LINES.toSpliced(5, 1).toSpliced(4, 0, lineAt(6));
  const unknown = { inputNode: newId('node') };
  return {
    'without the current epoch': without(3, 1),
    'without the epoch of a turn': without(2, 7),
    'without an image': without(4, 4),
    'without a first message': without(5, 5),
    'without a message in between': without(6, 6),
    'without the head': without(7, 1),
    'with a message before its parent': { lines: early, at: 5, says: 'comes too late' },
    'with a turn of an unknown message': changed(8, unknown, 'which is missing'),
  };
}

function forgeries(): Record<string, Malformed> {
  const { id: last }: { id: string } = JSON.parse(lineAt(7));
  return {
    'with another image': changed(4, { data: 'AAAA' }, 'sha256 is not that of the image'),
    'with another kind of image': changed(4, { mime: 'image/gif' }, 'sha256 is not that'),
    'with a changed message': changed(6, { wire: '{"role":"assistant"}' }, 'prefixHash is not'),
    'with a message moved': changed(7, { parent: null }, 'prefixHash is not'),
    'with an image that no message names': changed(5, { blobs: [] }, 'blobs are not the images'),
    "with a turn whose answer is another's": changed(8, { outputNode: last }, 'does not follow'),
  };
}

function values(): Record<string, Malformed> {
  const badWire = (wire: string, says = 'wire is not the JSON text'): Malformed =>
    changed(5, { wire, prefixHash: chainHash('', wire), blobs: [] }, says);
  const profile = { ...newEpoch().profile, tools: ']' };
  return {
    'with an id of another kind': changed(1, { id: '../conv' }, 'id is no id'),
    'with metadata that is no text': changed(1, { metadata: { a: 1 } }, 'metadata must be'),
    'with a wire that is no JSON': badWire('{"role":'),
    'with a wire that is a mark alone': badWire(`\u0000${'0'.repeat(64)}\u0000`),
    'with a wire that has a NUL': badWire('{"a":"\u0000"}'),
    'with a wire that is no message': badWire('[{}]'),
    'with a wire of half a character': badWire('{"a":"\ud83d"}', 'half a surrogate pair'),
    'with extra that is no JSON': changed(6, { extra: '{' }, 'extra is not JSON'),
    'with tools that are no JSON': changed(2, { profile }, 'profile.tools is not JSON'),
    'with an unknown role': changed(6, { role: 'god' }, 'role'),
    'with a turn that runs': changed(8, { status: 'streaming' }, 'status'),
    'with an unknown error code': changed(8, { errorCode: 'toString' }, 'errorCode is no error'),
    'with a time that is none': changed(8, { endedAt: -1.5 }, 'endedAt'),
  };
}

function lineAt(number: number): string {
  return LINES[number - 1] ?? '';
}

function replaced(at: number, line: string, says: string): Malformed {
  return { lines: LINES.with(at - 1, line), at, says };
}

function changed(at: number, changes: object, says: string): Malformed {
  const line: object = JSON.parse(lineAt(at));
  return replaced(at, JSON.stringify({ ...line, ...changes }), says);
}

function without(dropped: number, at: number, says = 'which is missing'): Malformed {
  return { lines: LINES.toSpliced(dropped - 1, 1), at, says };
}

function errorOf(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('expected an error');
}
