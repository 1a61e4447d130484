// What Bun's YAML parser leaves unsaid: the line of a mistake, and keys that are there twice.

import { expect, test } from 'bun:test';
import type { Problem } from './problems.ts';
import { parseYamlFile } from './yaml-file.ts';

function problemsOf(text: string): string[] {
  const problems: Problem[] = [];
  parseYamlFile(text, 'gateway.yaml', problems);
  return problems.map(({ path, message }) => `${path}: ${message}`);
}

test('a mistake in the syntax is reported with the line after which it is', () => {
  expect(problemsOf('server:\n  port: 1\n host: x\nlog: {}\n')).toEqual([
    'gateway.yaml: not valid YAML: Unexpected token (in line 3 or below)',
  ]);
});

test('something other than one mapping is refused', () => {
  expect(problemsOf('- a')).toEqual(['gateway.yaml: expected one mapping of settings']);
  expect(problemsOf('a: 1\n---\nb: 1')).toEqual(['gateway.yaml: expected one mapping of settings']);
});

test('a key that is there twice is reported with both lines, however it is written', () => {
  expect(problemsOf('server: { port: 1 }\nlog: {}\nserver: { port: 2 }')).toEqual([
    'server: is there twice, in lines 1 and 3',
  ]);
  expect(problemsOf('a:\n  - { b: 1, "b": 2 }\n  - b: 1')).toEqual([
    'a[0].b: is there twice, in lines 2 and 2',
  ]);
  expect(problemsOf('models:\n  llama4:scout: 1\n  x: 1\n  llama4:scout: 2')).toEqual([
    'models.llama4:scout: is there twice, in lines 2 and 4',
  ]);
});

test('texts and comments that look like keys are not mistaken for them', () => {
  const text = [
    '# a: 1',
    'a: "x, b: 1, b: 2"   # a: 2',
    'b: |',
    '  c: 1',
    '  c: 2',
    'd: http://h:80/v1',
    'e: { a: env:A, b: env:A }',
    'f: &f { a: 1 }',
    'g: { <<: *f, a: 2 }',
  ];
  expect(problemsOf(text.join('\n'))).toEqual([]);
  expect(problemsOf(text.slice(0, 7).join('\n'))).toEqual([]);
});
