// How an answer is cut into blocks while it comes.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { BlockSplitter, type Block } from './blocks.ts';

function blocksOf(text: string): readonly Block[] {
  const splitter = new BlockSplitter();
  splitter.push(text);
  return splitter.end();
}
const shapes = (text: string) =>
  blocksOf(text).map((block) => `${block.kind} ${block.language} ${block.text.trim()}`);
const long = 'word '.repeat(100).trim();

describe('an answer', () => {
  test('is cut around a code block, whose fences are left out', () => {
    expect(shapes('Before.\n```ts\nconst a = 1;\n```\nAfter.')).toEqual([
      'markdown  Before.',
      'code ts const a = 1;',
      'markdown  After.',
    ]);
  });

  test('is cut between paragraphs once there is enough for a block', () => {
    expect(shapes(`${long}\n\n${long}\n\nshort\n\nshorter`)).toEqual([
      `markdown  ${long}`,
      `markdown  ${long}`,
      'markdown  short\n\nshorter',
    ]);
  });

  test('is not cut within a list, nor at a fence that belongs to it', () => {
    expect(
      blocksOf(`- ${long}\n\n  more\n\n- b\n\n  \`\`\`sh\n  ls\n\n  # x\n  \`\`\`\n`),
    ).toHaveLength(1);
  });

  test('is cut after a list, where text begins that is not indented', () => {
    expect(shapes(`- ${long}\n- b\n\nText.`)).toEqual([
      `markdown  - ${long}\n- b`,
      'markdown  Text.',
    ]);
  });

  test('keeps code that is still open as code, without the fence that is about to close it', () => {
    const splitter = new BlockSplitter();
    splitter.push('```py\nprint(1)\n``');
    expect(splitter.blocks.at(-1)).toMatchObject({ kind: 'code', language: 'py', isClosed: false });
    splitter.push('`');
    expect(splitter.blocks).toEqual([
      { kind: 'code', language: 'py', text: 'print(1)', isClosed: false },
    ]);
  });

  test('ends a fence only with one of its own kind that is as long', () => {
    expect(shapes('````md\n```\ninner\n```\n````\n')).toEqual(['code md ```\ninner\n```']);
    expect(shapes('~~~\n```\n~~~\n')).toEqual(['code  ```']);
  });

  test('takes inline code in triple backticks for text', () => {
    expect(shapes('```not a fence``` here')).toEqual(['markdown  ```not a fence``` here']);
  });

  test('of a million line ends is no block, and between two words no more than one gap', () => {
    expect(blocksOf('\n'.repeat(1_000_000))).toEqual([]);
    expect(shapes(`a${'\n'.repeat(1_000_000)}b`)).toEqual(['markdown  a\n\nb']);
  });

  test('gives the same blocks however it was cut on its way', () => {
    const pieces = fc.constantFrom(
      '```\n',
      '```ts\n',
      '- a\n',
      '\n',
      '  b\n',
      '1. c\n',
      `${long}\n`,
      '~~~\n',
      '`',
      '\r\n',
      '    x\n',
    );
    fc.assert(
      fc.property(
        fc.array(pieces, { maxLength: 30 }),
        fc.integer({ min: 1, max: 9 }),
        (parts, size) => {
          const text = parts.join('');
          const splitter = new BlockSplitter();
          for (let at = 0; at < text.length; at += size) splitter.push(text.slice(at, at + size));
          expect(splitter.end()).toEqual(blocksOf(text));
        },
      ),
    );
  });

  test('loses no word', () => {
    const words = fc.constantFrom(
      'w0\n',
      '\n',
      '```\n',
      '- w1\n',
      '  w2\n',
      '> w3\n',
      'w4',
      '~~~\n',
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 40 }), (parts) => {
        const text = parts.join('');
        const kept = blocksOf(text)
          .map((block) => `${block.text}\n`)
          .join('');
        expect(kept.match(/w\d/g)).toEqual(text.match(/w\d/g));
      }),
    );
  });
});
