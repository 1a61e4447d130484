// What stands beside the reader: a list of all operations that can be searched, and where one is in it.
import { useEffect, useState } from 'preact/hooks';
import { lexer } from 'marked';
import type { groupsOf } from './api.ts';
import { slug } from './markdown.tsx';

interface ContentsProps {
  readonly groups: ReturnType<typeof groupsOf>;
  /** Its headings are listed too. */
  readonly introduction: string;
}

export function Contents({ groups, introduction }: ContentsProps) {
  const [wanted, setWanted] = useState('');
  const current = useCurrent();
  const has = (...texts: string[]) =>
    texts.join(' ').toLowerCase().includes(wanted.trim().toLowerCase());
  const headings = lexer(introduction).flatMap((token) =>
    token.type === 'heading' ? [token['text'] as string] : [],
  );
  return (
    <nav class="contents" aria-label="Operations">
      <input
        class="field"
        type="search"
        placeholder="Find a route"
        aria-label="Find a route"
        value={wanted}
        onInput={(event) => setWanted(event.currentTarget.value)}
      />
      {wanted.trim() === '' ? (
        <ul>
          {headings.map((heading) => (
            <li key={heading}>
              <a href={`#${slug(heading)}`}>{heading}</a>
            </li>
          ))}
        </ul>
      ) : null}
      {groups.map(({ name, placed }) => {
        const found = placed.filter(({ operation, method, path }) =>
          has(operation.summary, operation.operationId, method, path, name),
        );
        if (found.length === 0) return null;
        return (
          <div key={name}>
            <h2>{name}</h2>
            <ul>
              {found.map(({ operation, method, path }) => (
                <li key={operation.operationId}>
                  <a
                    href={`#${operation.operationId}`}
                    title={`${method} ${path}`}
                    aria-current={operation.operationId === current ? 'true' : undefined}
                  >
                    <span class={`method small ${method.toLowerCase()}`}>{method}</span>
                    {operation.summary}
                  </a>
                </li>
              ))}
            </ul>
          </div>
        );
      })}
    </nav>
  );
}

/** The operation that is at the top of the window. */
function useCurrent(): string | null {
  const [current, setCurrent] = useState<string | null>(null);
  useEffect(() => {
    const observer = new IntersectionObserver(
      (entries) => {
        const entered = entries.findLast(({ isIntersecting }) => isIntersecting);
        if (entered) setCurrent(entered.target.id);
      },
      { rootMargin: '-10% 0px -80% 0px' },
    );
    for (const article of document.querySelectorAll('.operation')) observer.observe(article);
    return () => observer.disconnect();
  }, []);
  return current;
}
