// Code blocks: coloured when the site is built, by classes whose colours are in web/style, with a label and a button.
import hljs from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import dockerfile from 'highlight.js/lib/languages/dockerfile';
import http from 'highlight.js/lib/languages/http';
import ini from 'highlight.js/lib/languages/ini';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import nginx from 'highlight.js/lib/languages/nginx';
import python from 'highlight.js/lib/languages/python';
import sql from 'highlight.js/lib/languages/sql';
import typescript from 'highlight.js/lib/languages/typescript';
import yaml from 'highlight.js/lib/languages/yaml';

const LANGUAGES = {
  bash,
  dockerfile,
  http,
  ini,
  javascript,
  json,
  nginx,
  python,
  sql,
  typescript,
  yaml,
};
for (const [name, language] of Object.entries(LANGUAGES)) hljs.registerLanguage(name, language);

const LABELS: Readonly<Record<string, string>> = {
  bash: 'Shell',
  sh: 'Shell',
  python: 'Python',
  py: 'Python',
  ts: 'TypeScript',
  js: 'JavaScript',
  json: 'JSON',
  jsonc: 'JSON with comments',
  jsonl: 'JSON Lines',
  yaml: 'YAML',
  yml: 'YAML',
  http: 'HTTP',
  ini: 'Configuration',
  nginx: 'nginx',
  dockerfile: 'Dockerfile',
  sql: 'SQL',
};

export interface CodeBlock {
  readonly code: string;
  /** As it stands behind the fence. */
  readonly language: string;
}

export function codeFigure({ code, language }: CodeBlock): string {
  const label = labelOf({ code, language });
  return `<figure class="code" data-label="${escapeHtml(label)}"><figcaption><span>${escapeHtml(label)}</span><button class="copy" type="button" hidden>Copy</button></figcaption><pre><code>${highlighted({ code, language })}</code></pre></figure>\n`;
}

/** Blocks that say the same in several languages. Without scripts they stand below one another. */
export function codeTabs(blocks: readonly CodeBlock[]): string {
  return `<div class="tabs">${blocks.map(codeFigure).join('')}</div>\n`;
}

function labelOf({ code, language }: CodeBlock): string {
  if (/^curl\b/m.test(code) && /^(?:bash|sh)$/.test(language)) return 'curl';
  return LABELS[language] ?? 'Text';
}

function highlighted({ code, language }: CodeBlock): string {
  if (!hljs.getLanguage(language)) return escapeHtml(code);
  return hljs.highlight(code, { language }).value;
}

export function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
  };
  return text.replaceAll(/[&<>"]/g, (character) => entities[character] ?? character);
}
