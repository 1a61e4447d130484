// The manual as its tests read it: pages, their headings, and their blocks of code with the section they stand in.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSlugger } from '../../web/manual/slug.ts';

export const ROOT = new URL('../..', import.meta.url).pathname;

export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Every Markdown page of the repository, by its path. */
export const PAGES: ReadonlyMap<string, string> = new Map(
  [
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.md'))
      .map((path) => `docs/${path}`)
      .toSorted(),
  ].map((path) => [path, textOf(path)]),
);

export function page(path: string): string {
  return PAGES.get(path) ?? '';
}

export function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, first = '']) => first);
}

/** A heading with what is below it, up to the next one. */
export function section(text: string, heading: string): string {
  return text.split(/^(?=#{1,6} )/m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
}

/** The anchors of a page's headings, as GitHub and the site make them. */
export function slugs(text: string): string[] {
  const slug = createSlugger();
  const headings = matches(text.replaceAll(/^```.*?^```$/gms, ''), /^#+ (.+)$/gm);
  return headings.map((heading) => slug(heading));
}

export interface Block {
  readonly path: string;
  readonly language: string;
  readonly code: string;
  /** Counts the headings before it: blocks with the same number stand in one section. */
  readonly section: number;
  /** Where it begins, to find it. */
  readonly line: number;
}

/** Every fenced block of a page, in order. */
export function blocksOf(path: string): Block[] {
  const blocks: Block[] = [];
  let headings = 0;
  let open: { language: string; line: number; code: string[] } | undefined;
  for (const [index, text] of page(path).split('\n').entries()) {
    const fence = /^```(\w*)/.exec(text);
    if (open && text === '```') {
      const { language, line, code } = open;
      blocks.push({ path, language, line, code: `${code.join('\n')}\n`, section: headings });
      open = undefined;
    } else if (open) open.code.push(text);
    else if (fence) open = { language: fence[1] ?? '', line: index + 1, code: [] };
    else if (/^#{1,6} /.test(text)) headings += 1;
  }
  return blocks;
}

export function allBlocks(...languages: readonly string[]): Block[] {
  return [...PAGES.keys()].flatMap(blocksOf).filter(({ language }) => languages.includes(language));
}
