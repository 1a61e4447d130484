// A piece of code with its name and a button that copies it; JSON is coloured.
import { useState } from 'preact/hooks';

export function Code({ text, label }: { text: string; label: string }) {
  return (
    <figure class="code">
      <figcaption>
        <span>{label}</span>
        <Copy text={text} />
      </figcaption>
      <pre tabIndex={0}>
        <code>{text.startsWith('{') ? coloured(text) : text}</code>
      </pre>
    </figure>
  );
}

function Copy({ text }: { text: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <button
      type="button"
      onClick={() => {
        void navigator.clipboard.writeText(text).then(() => setCopied(true));
      }}
      onBlur={() => setCopied(false)}
    >
      {copied ? 'Copied' : 'Copy'}
    </button>
  );
}

const JSON_TOKEN =
  /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi;

function coloured(text: string) {
  const pieces = [];
  let end = 0;
  for (const match of text.matchAll(JSON_TOKEN)) {
    const [whole, string, colon = ''] = match;
    pieces.push(text.slice(end, match.index));
    const kind =
      string === undefined
        ? /[a-z]/i.test(whole)
          ? 'keyword'
          : 'number'
        : colon
          ? 'key'
          : 'string';
    pieces.push(
      <span key={match.index} class={`t-${kind}`}>
        {string ?? whole}
      </span>,
      colon,
    );
    end = match.index + whole.length;
  }
  pieces.push(text.slice(end));
  return pieces;
}
