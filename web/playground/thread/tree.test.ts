// The tree of branches.
import { describe, expect, test } from 'bun:test';
import type { MessageNode } from './message.ts';
import { leafOf, pathTo, siblingsOf, treeOf, withNode } from './tree.ts';

const node = (id: string, parent: string | null): MessageNode => ({
  id,
  parent,
  role: id.startsWith('q') ? 'user' : 'assistant',
  content: id,
});
/** A question with two answers; the first of them goes on, with a question that was edited once. */
const tree = treeOf([
  node('q1', null),
  node('a1', 'q1'),
  node('a1b', 'q1'),
  node('q2', 'a1'),
  node('a2', 'q2'),
  node('q2b', 'a1'),
]);

describe('a tree of branches', () => {
  test('shows the path from the first message to the one that was asked for', () => {
    expect(pathTo(tree, 'a2').map(({ id }) => id)).toEqual(['q1', 'a1', 'q2', 'a2']);
    expect(pathTo(tree, null)).toEqual([]);
    expect(pathTo(tree, 'unknown')).toEqual([]);
  });

  test('knows what could stand in the place of a message', () => {
    expect(siblingsOf(tree, 'a1')).toEqual(['a1', 'a1b']);
    expect(siblingsOf(tree, 'q2b')).toEqual(['q2', 'q2b']);
    expect(siblingsOf(tree, 'unknown')).toEqual([]);
  });

  test('goes to the newest end of a branch', () => {
    expect(leafOf(tree, 'q2')).toBe('a2');
    expect(leafOf(tree, 'a1')).toBe('q2b');
    expect(leafOf(tree, 'a1b')).toBe('a1b');
  });

  test('takes one more message, and leaves the tree before as it was', () => {
    const grown = withNode(tree, node('a2c', 'q2b'));
    expect(leafOf(grown, 'a1')).toBe('a2c');
    expect(leafOf(tree, 'a1')).toBe('q2b');
  });

  test('ends at a message whose parent is missing, or that is its own ancestor', () => {
    expect(pathTo(treeOf([node('a', 'gone')]), 'a').map(({ id }) => id)).toEqual(['a']);
    expect(pathTo(treeOf([node('a', 'b'), node('b', 'a')]), 'a')).toHaveLength(2);
  });
});
