// Markdown of the API document as elements: by tokens and not as HTML, so that nothing in it can become markup.
import type { ComponentChildren } from 'preact';
import { lexer, type Token, type Tokens } from 'marked';
import { Code } from './code.tsx';

export function Markdown({ text }: { text: string }) {
  return <>{lexer(text).map(block)}</>;
}

/** For a place where a paragraph may not stand. */
export function Inline({ text }: { text: string }) {
  return (
    <>
      {lexer(text).map((token) =>
        'tokens' in token && token.tokens ? inlines(token.tokens) : block(token),
      )}
    </>
  );
}

function block(token: Token): ComponentChildren {
  switch (token.type) {
    case 'heading':
      return (
        <h2 id={slug(token['text'] as string)} class="intro-heading">
          {inlines(token.tokens)}
        </h2>
      );
    case 'paragraph':
      return <p>{inlines(token.tokens)}</p>;
    case 'text':
      return token.tokens ? inlines(token.tokens) : (token['text'] as string);
    case 'list':
      return (
        <ul>
          {(token as Tokens.List).items.map((item) => (
            <li key={item.raw}>{item.tokens.map(block)}</li>
          ))}
        </ul>
      );
    case 'code':
      return <Code text={token['text'] as string} label={(token as Tokens.Code).lang ?? 'text'} />;
    case 'table':
      return table(token as Tokens.Table);
    default:
      return null;
  }
}

function table({ header, rows }: Tokens.Table): ComponentChildren {
  return (
    <div class="table" tabIndex={0} role="region" aria-label="Table">
      <table>
        <thead>
          <tr>
            {header.map((cell, at) => (
              <th key={at} scope="col">
                {inlines(cell.tokens)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={at}>
              {row.map((cell, column) =>
                column === 0 ? (
                  <th key={column} scope="row">
                    {inlines(cell.tokens)}
                  </th>
                ) : (
                  <td key={column}>{inlines(cell.tokens)}</td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function inlines(tokens: readonly Token[] | undefined): ComponentChildren {
  return (tokens ?? []).map((token, at) => {
    switch (token.type) {
      case 'codespan':
        return <code key={at}>{token['text'] as string}</code>;
      case 'strong':
        return <strong key={at}>{inlines(token.tokens)}</strong>;
      case 'em':
        return <em key={at}>{inlines(token.tokens)}</em>;
      case 'link': {
        const { href } = token as Tokens.Link;
        const words = inlines(token.tokens);
        // Nothing but addresses: no scheme of another kind.
        if (!/^(?:\/|#|https:)/.test(href)) return words;
        return (
          <a key={at} href={href}>
            {words}
          </a>
        );
      }
      default:
        return 'text' in token ? (token['text'] as string) : null;
    }
  });
}

export function slug(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
}
