// The highlighter with the languages that models write most. A chunk of its own: see show-code.ts.
import hljs from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import cpp from 'highlight.js/lib/languages/cpp';
import css from 'highlight.js/lib/languages/css';
import diff from 'highlight.js/lib/languages/diff';
import go from 'highlight.js/lib/languages/go';
import java from 'highlight.js/lib/languages/java';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import python from 'highlight.js/lib/languages/python';
import rust from 'highlight.js/lib/languages/rust';
import sql from 'highlight.js/lib/languages/sql';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';

const LANGUAGES = {
  bash,
  cpp,
  css,
  diff,
  go,
  java,
  javascript,
  json,
  python,
  rust,
  sql,
  typescript,
  xml,
  yaml,
};
for (const [name, language] of Object.entries(LANGUAGES)) hljs.registerLanguage(name, language);
hljs.registerAliases(['c', 'h'], { languageName: 'cpp' });
hljs.registerAliases(['shell', 'console', 'curl'], { languageName: 'bash' });

/** Spans with classes; null where the language is not known. */
export function highlight(code: string, language: string): DocumentFragment | null {
  if (!hljs.getLanguage(language)) return null;
  const { _emitter: emitter } = hljs.highlight(code, { language, ignoreIllegals: true });
  const root: unknown = 'rootNode' in emitter ? emitter.rootNode : null;
  if (!isScope(root)) return null;
  const fragment = document.createDocumentFragment();
  for (const child of root.children) fragment.append(drawn(child));
  return fragment;
}

/** What the highlighter found, before it makes HTML of it: as nodes, no text can become anything but text. */
interface Scope {
  readonly scope?: string;
  readonly children: readonly unknown[];
}

function isScope(value: unknown): value is Scope {
  return typeof value === 'object' && value !== null && 'children' in value;
}

function drawn(part: unknown): Node {
  if (!isScope(part)) return document.createTextNode(String(part));
  const span = document.createElement('span');
  // `title.function`: one colour for all titles is enough.
  span.className = `hljs-${(part.scope ?? '').split('.', 1)[0]}`;
  span.append(...part.children.map(drawn));
  return span;
}
