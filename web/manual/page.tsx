// The pages of the manual, made from the Markdown of the repository, with what belongs to them: the index of the
// search, the Markdown itself, and /docs/llms.txt, which lists it for programs that read.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import MiniSearch from 'minisearch';
import type { Page, PlainFile } from '../shell/page.tsx';
import { contents, DECISIONS, MANUAL, type Entry, type Group } from './contents.ts';
import { Manual, type Place } from './layout.tsx';
import { createLinks, type Links } from './links.ts';
import { renderMarkdown, type Rendered } from './markdown.ts';
import { SEARCH_OPTIONS, type SearchEntry } from './search-options.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Written {
  readonly entry: Entry;
  readonly group: Group;
  readonly text: string;
  readonly rendered: Rendered;
}

export interface ManualSite {
  readonly pages: readonly Page[];
  readonly files: readonly PlainFile[];
}

export function manual(root = ROOT): ManualSite {
  const groups = contents(root);
  const links = createLinks(root, groups);
  const written = groups.flatMap((group) =>
    group.entries.map((entry): Written => {
      const text = entry.path === DECISIONS ? decisionList(root, groups) : textOf(root, entry.file);
      const file = entry.path === DECISIONS ? `${entry.file}README.md` : entry.file;
      return { entry, group, text, rendered: renderMarkdown({ file, text, links }) };
    }),
  );
  const index = indexOf(written);
  return {
    pages: written.map((one) => manualPage(one, written, index.path)),
    files: [index, ...markdownFiles(written), llmsText(written), ...imageFiles(root, links)],
  };
}

function textOf(root: string, file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

function decisionList(root: string, groups: readonly Group[]): string {
  const entries = groups.find(({ folded }) => folded)?.entries ?? [];
  const rows = entries.map(({ file }) => {
    const name = file.replace('docs/decisions/', '');
    const title = /^# (?:\d+:? )?(.+)$/m.exec(textOf(root, file))?.[1] ?? name;
    return `| ${name.slice(0, 4)} | [${title}](${name}) |`;
  });
  return `# Decisions\n\nChoices that others could question, each with its reasons. They are numbered in the order in which they were made.\n\n| Number | Decision |\n| --- | --- |\n${rows.join('\n')}\n`;
}

function manualPage(one: Written, all: readonly Written[], index: string): Page {
  const { entry, rendered } = one;
  const at = all.indexOf(one);
  const groups = [...new Set(all.map(({ group }) => group))].filter(({ folded }) => !folded);
  // Decisions are read one after another, and not after the changelog.
  const neighbour = (offset: number) => {
    const other = all[at + offset];
    return other && Boolean(other.group.folded) === Boolean(one.group.folded)
      ? placeOf(other)
      : undefined;
  };
  return {
    path: entry.path,
    title: `${rendered.title} · DGX LLM Chat Gateway`,
    description: sentence(rendered.lead),
    styles: ['manual/manual.css'],
    scripts: ['manual/reader.ts'],
    content: (
      <Manual
        place={placeOf(one)}
        groups={groups.map((group) => ({
          title: group.title,
          places: all.filter((other) => other.group === group).map(placeOf),
        }))}
        headings={rendered.headings}
        before={neighbour(-1)}
        after={neighbour(1)}
        index={index}
      >
        <div dangerouslySetInnerHTML={{ __html: rendered.html }} />
      </Manual>
    ),
  };
}

function placeOf({ entry, group, rendered }: Written): Place {
  return { path: entry.path, label: entry.label ?? rendered.title, group: group.title };
}

/** The first sentence, as a description of a page wants it. */
function sentence(text: string): string {
  return (/^.*?[.?!](?= |$)/s.exec(text)?.[0] ?? text).replace(/:$/, '.');
}

function indexOf(written: readonly Written[]): PlainFile {
  const search = new MiniSearch(SEARCH_OPTIONS);
  for (const { entry, rendered } of written)
    search.addAll(
      rendered.sections.map(({ heading, text }): SearchEntry => ({
        id: heading ? `${entry.path}#${heading.id}` : entry.path,
        title: rendered.title,
        heading: heading?.text ?? rendered.title,
        text,
      })),
    );
  const content = JSON.stringify(search);
  const hash = Bun.hash(content).toString(36).slice(0, 8);
  return { path: `/assets/manual-${hash}.json`, content, immutable: true };
}

/** Programs that read want the Markdown as it was written. */
function markdownFiles(written: readonly Written[]): PlainFile[] {
  return written
    .filter(({ entry }) => entry.path !== MANUAL)
    .map(({ entry, text }) => ({ path: `${entry.path}.md`, content: text }));
}

function llmsText(written: readonly Written[]): PlainFile {
  const groups = [...new Set(written.map(({ group }) => group))];
  const lists = groups.map((group) => {
    const lines = written
      .filter((one) => one.group === group && one.entry.path !== MANUAL)
      .map(({ entry, rendered }) => {
        const about = group.folded ? '' : `: ${sentence(rendered.lead)}`;
        return `- [${rendered.title}](${entry.path}.md)${about}`;
      });
    return `## ${group.title}\n\n${lines.join('\n')}`;
  });
  const [overview] = written;
  const content = `# DGX LLM Chat Gateway\n\n> ${overview?.rendered.lead ?? ''}\n\n${lists.join('\n\n')}\n`;
  return { path: `${MANUAL}/llms.txt`, content };
}

function imageFiles(root: string, links: Links): PlainFile[] {
  return [...links.images].map(([path, file]) => ({
    path,
    content: readFileSync(join(root, file)),
  }));
}
