// One Markdown file to what its page shows: HTML, headings for the list on its right, sections for the search.
import { Lexer, Marked, type Parser, type Token, type Tokens } from 'marked';
import { codeFigure, codeTabs, escapeHtml, type CodeBlock } from '../code/code.ts';
import type { Links } from './links.ts';
import { createSlugger } from './slug.ts';

export interface Heading {
  readonly depth: number;
  readonly text: string;
  readonly id: string;
}

export interface Section {
  /** null for what stands before the first heading below the title. */
  readonly heading: Heading | null;
  readonly text: string;
}

export interface Rendered {
  readonly title: string;
  /** The first paragraph, without markup. */
  readonly lead: string;
  readonly html: string;
  /** Below the title. */
  readonly headings: readonly Heading[];
  readonly sections: readonly Section[];
}

export interface Source {
  readonly file: string;
  readonly text: string;
  readonly links: Links;
}

const ALERTS: Readonly<Record<string, string>> = {
  NOTE: 'Note',
  TIP: 'Tip',
  IMPORTANT: 'Important',
  WARNING: 'Warning',
  CAUTION: 'Caution',
};

export function renderMarkdown({ file, text, links }: Source): Rendered {
  const slug = createSlugger();
  const ids = new Map<Token, Heading>();
  const tabs = new Map<Token, readonly CodeBlock[]>();
  const marked = new Marked({ renderer: rendererFor({ file, links, ids, tabs }) });
  const tokens = marked.lexer(text);
  for (const token of tokens)
    if (isHeading(token)) {
      const words = wordsOf(token);
      ids.set(token, { depth: token.depth, text: words, id: slug(words) });
    }
  const headings = [...ids.values()];
  const [title] = headings;
  if (title?.depth !== 1) throw new Error(`${file} does not begin with its title`);
  const first = tokens.find(({ type }) => type === 'paragraph');
  return {
    title: title.text,
    lead: first ? wordsOf(first) : '',
    html: marked.parser(withTabs(tokens, tabs)),
    headings: headings.slice(1),
    sections: sectionsOf(tokens, ids),
  };
}

interface RendererOptions {
  readonly file: string;
  readonly links: Links;
  readonly ids: ReadonlyMap<Token, Heading>;
  readonly tabs: ReadonlyMap<Token, readonly CodeBlock[]>;
}

function rendererFor({ file, links, ids, tabs }: RendererOptions) {
  return {
    heading(this: { parser: Parser }, token: Tokens.Heading): string {
      const heading = ids.get(token);
      if (!heading) throw new Error(`${file}: a heading within a list or a quotation`);
      const inner = this.parser.parseInline(token.tokens);
      const tag = `h${token.depth}`;
      if (token.depth === 1) return `<h1 id="${heading.id}">${inner}</h1>\n`;
      const label = escapeHtml(`Link to “${heading.text}”`);
      return `<div class="heading"><${tag} id="${heading.id}">${inner}</${tag}><a href="#${heading.id}" aria-label="${label}">#</a></div>\n`;
    },
    code(token: Tokens.Code): string {
      const blocks = tabs.get(token) ?? [blockOf(token)];
      return blocks.length > 1 ? codeTabs(blocks) : blocks.map(codeFigure).join('');
    },
    codespan: ({ text }: Tokens.Codespan) => inlineCode(escapeHtml(text)),
    table(this: { parser: Parser }, { header, rows }: Tokens.Table): string {
      const cell = (tag: string) => (one: Tokens.TableCell) =>
        `<${tag}${one.align ? ` align="${one.align}"` : ''}>${this.parser.parseInline(one.tokens)}</${tag}>`;
      const head = header.map(cell('th')).join('');
      const body = rows.map((row) => `<tr>${row.map(cell('td')).join('')}</tr>`).join('');
      return `<div class="table"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>\n`;
    },
    link(this: { parser: Parser }, { href, tokens }: Tokens.Link): string {
      const target = links.linkFrom(file, href);
      const inner = this.parser.parseInline(tokens);
      return target === null ? inner : `<a href="${escapeHtml(target)}">${inner}</a>`;
    },
    image: ({ href, text }: Tokens.Image) =>
      `<img src="${escapeHtml(links.imageFrom(file, href))}" alt="${escapeHtml(text)}" loading="lazy">`,
    blockquote(this: { parser: Parser }, { text, tokens }: Tokens.Blockquote): string {
      const kind = /^\[!(\w+)\]/.exec(text)?.[1] ?? '';
      const label = ALERTS[kind];
      if (!label) return `<blockquote>${this.parser.parse(tokens)}</blockquote>\n`;
      const inner = this.parser.parse(new Lexer().lex(text.slice(kind.length + 3).trim()));
      return `<aside class="callout ${kind.toLowerCase()}"><p class="callout-label">${label}</p>${inner}</aside>\n`;
    },
    html({ text }: Tokens.HTML | Tokens.Tag): string {
      if (/^(?:\s*<!--.*?-->\s*)*$/s.test(text)) return '';
      throw new Error(`${file}: HTML in Markdown: ${text}`);
    },
  };
}

/** From this length on a name may break, after its dots and underscores. */
const LONG_NAME_CHARS = 22;

function inlineCode(html: string): string {
  if (html.length < LONG_NAME_CHARS && !html.includes(' '))
    return `<code class="short">${html}</code>`;
  return `<code>${html.replaceAll(/(?<=\w)([._/]+)(?=[\w<[])/g, '$1<wbr>')}</code>`;
}

function isHeading(token: Token): token is Tokens.Heading {
  return token.type === 'heading';
}

/** The same may be said in several of these. What stands behind is a reply, and is seen beside what was asked. */
const TABBED = new Set(['bash', 'python', 'ts', 'js']);

/** Programs that follow one another without a word between them become the tabs of the first. */
function withTabs(tokens: readonly Token[], tabs: Map<Token, readonly CodeBlock[]>): Token[] {
  let first: Token | undefined;
  return tokens.filter((token) => {
    if (token.type === 'space') return true;
    if (!isCode(token)) {
      first = undefined;
      return true;
    }
    const run = first ? (tabs.get(first) ?? []) : [];
    const { language } = blockOf(token);
    const isNext =
      TABBED.has(language) &&
      run.length > 0 &&
      run.every((one) => one.language !== language && TABBED.has(one.language));
    if (!isNext) first = token;
    if (first) tabs.set(first, isNext ? [...run, blockOf(token)] : [blockOf(token)]);
    return !isNext;
  });
}

function isCode(token: Token): token is Tokens.Code {
  return token.type === 'code';
}

function blockOf({ text, lang }: Tokens.Code): CodeBlock {
  return { code: text, language: lang ?? '' };
}

function sectionsOf(tokens: readonly Token[], ids: ReadonlyMap<Token, Heading>): Section[] {
  // Code comes last: what is shown of a hit should rather be words.
  const sections: { heading: Heading | null; words: string[]; code: string[] }[] = [];
  sections.push({ heading: null, words: [], code: [] });
  for (const token of tokens) {
    const heading = ids.get(token);
    if (heading?.depth === 1) continue;
    if (heading) sections.push({ heading, words: [], code: [] });
    else if (isCode(token)) sections.at(-1)?.code.push(wordsOf(token));
    else sections.at(-1)?.words.push(wordsOf(token));
  }
  return sections
    .map(({ heading, words, code }) => ({
      heading,
      text: [...words, ...code].join(' ').replaceAll(/\s+/g, ' ').trim(),
    }))
    .filter(({ heading, text }) => heading !== null || text !== '');
}

/** The text of a token without its markup. */
export function wordsOf(token: Token): string {
  if (token.type === 'html' || token.type === 'space') return '';
  if (token.type === 'table') {
    const { header, rows } = token as Tokens.Table;
    return [header, ...rows].map((row) => row.map(cellWords).join(' ')).join(' ');
  }
  if (token.type === 'list') {
    return (token as Tokens.List).items.map((item) => item.tokens.map(wordsOf).join(' ')).join(' ');
  }
  if ('tokens' in token && token.tokens) return token.tokens.map(wordsOf).join('');
  return 'text' in token && typeof token.text === 'string' ? token.text : token.raw;
}

function cellWords({ tokens }: Tokens.TableCell): string {
  return tokens.map(wordsOf).join('');
}
