// From a model's Markdown to DOM nodes that can do no harm, behind two walls: HTML is text but for a few tags without
// attributes, and the sanitiser lets through what is on a short list. What would have to be fetched becomes a link.
import DOMPurify, { type Config } from 'dompurify';
import { Marked } from 'marked';

/** Longer blocks are shown as plain text: nobody wrote them to be read, and rendering takes time. */
const LONGEST_MARKDOWN = 30_000;
/** Quotes in quotes or lists in lists so deep that nobody means them: they take seconds to parse. */
const TOO_DEEP = /^(?:[ \t]*>){24}|^[ \t]{64,}(?:[-*+]|\d+[.)])[ \t]/m;

const CLEAN: Config & { RETURN_DOM_FRAGMENT: true } = {
  ALLOWED_TAGS:
    'a abbr b blockquote br code dd del details div dl dt em h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp small span strong sub summary sup table tbody td th thead tr u ul var'.split(
      ' ',
    ),
  ALLOWED_ATTR: ['href', 'title', 'align', 'start', 'class', 'src', 'alt', 'open', 'colspan'],
  ADD_URI_SAFE_ATTR: ['align', 'start', 'open', 'colspan'],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
  RETURN_DOM_FRAGMENT: true,
};

/** The only pictures that are shown are those that are in the answer itself. */
const OWN_IMAGE = /^data:image\/(?:png|jpeg|gif|webp);base64,[a-z0-9+/=\s]+$/i;
/** The only classes: what language a code block is in. */
const KNOWN_CLASS = /^language-[\w+#.-]{1,40}$/;

/** Of HTML in an answer; anything else is shown as it was written. */
const HARMLESS_TAG =
  /^<\/?(?:abbr|b|blockquote|br|code|dd|del|details|div|dl|dt|em|h[1-6]|hr|i|ins|kbd|li|mark|ol|p|pre|q|rp|rt|ruby|s|samp|small|span|strong|sub|summary|sup|table|tbody|td|th|thead|tr|u|ul|var)\s*\/?>$/i;

const marked = new Marked({
  gfm: true,
  // Models mean the line ends that they write.
  breaks: true,
  renderer: {
    heading({ tokens, depth }) {
      // Below the headings of the page.
      const level = Math.min(depth + 2, 6);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
    },
    image({ href, title, text }) {
      const label = escaped(text || title || 'picture');
      if (OWN_IMAGE.test(href)) return `<img src="${escaped(href)}" alt="${label}">`;
      const where = URL.canParse(href) ? ` (a picture at ${escaped(new URL(href).host)})` : '';
      return `<a href="${escaped(href)}">${label}${where}</a>`;
    },
    html({ text }) {
      return text.replaceAll(/<[^>]*>?/g, (tag) => (HARMLESS_TAG.test(tag) ? tag : escaped(tag)));
    },
    checkbox({ checked }) {
      return checked ? '☑ ' : '☐ ';
    },
  },
});

DOMPurify.addHook('uponSanitizeAttribute', (element, data) => {
  const { attrName, attrValue } = data;
  if (attrName === 'class' && !KNOWN_CLASS.test(attrValue)) data.keepAttr = false;
  if (attrName === 'src' && !(element.nodeName === 'IMG' && OWN_IMAGE.test(attrValue)))
    data.keepAttr = false;
});
DOMPurify.addHook('afterSanitizeAttributes', (element) => {
  if (element.nodeName === 'A' && element.hasAttribute('href')) {
    element.setAttribute('target', '_blank');
    element.setAttribute('rel', 'noopener noreferrer nofollow');
  }
  if (element.nodeName === 'IMG' && !element.hasAttribute('src')) element.remove();
});

export function renderMarkdown(text: string): DocumentFragment {
  if (text.length > LONGEST_MARKDOWN || TOO_DEEP.test(text)) return renderPlain(text);
  try {
    const html = marked.parse(text, { async: false });
    return decorated(DOMPurify.sanitize(html, CLEAN));
  } catch (error) {
    // Nested a thousand times, say: then it is shown as it came.
    console.info('an answer could not be rendered as Markdown', error);
    return renderPlain(text);
  }
}

export function renderPlain(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  const paragraph = document.createElement('p');
  paragraph.className = 'plain';
  paragraph.textContent = text;
  fragment.append(paragraph);
  return fragment;
}

/** What the sanitiser would not let through, because it comes from us. */
function decorated(fragment: DocumentFragment): DocumentFragment {
  for (const table of fragment.querySelectorAll('table')) {
    const frame = document.createElement('div');
    frame.className = 'table';
    frame.tabIndex = 0;
    frame.role = 'region';
    frame.ariaLabel = 'Table';
    table.replaceWith(frame);
    frame.append(table);
  }
  for (const element of fragment.querySelectorAll('p, li, h3, h4, h5, h6, td, th, blockquote'))
    element.setAttribute('dir', 'auto');
  for (const pre of fragment.querySelectorAll('pre')) pre.tabIndex = 0;
  return fragment;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
