// The frame of a page of the manual: where the reader is, the navigation, the text, what is on the page.
import type { ComponentChildren } from 'preact';
import { DECISIONS, MANUAL, type Group } from './contents.ts';
import type { Heading } from './markdown.ts';

/** A page that the navigation knows. */
export interface Place {
  readonly path: string;
  readonly label: string;
  readonly group: string;
}

export interface ManualProps {
  readonly place: Place;
  readonly groups: readonly (Pick<Group, 'title'> & { readonly places: readonly Place[] })[];
  readonly headings: readonly Heading[];
  readonly before: Place | undefined;
  readonly after: Place | undefined;
  /** Where the index of the search is. */
  readonly index: string;
  readonly children: ComponentChildren;
}

export function Manual({ place, groups, headings, before, after, index, children }: ManualProps) {
  return (
    <div class="manual" data-index={index}>
      <div class="manual-bar">
        <button class="button quiet open-contents" type="button" aria-haspopup="dialog">
          <Lines /> Contents
        </button>
        <SearchButton />
      </div>
      <div class="manual-contents">
        <SearchButton />
        <Contents place={place} groups={groups} />
      </div>
      <main id="content" class="manual-main">
        <Breadcrumbs place={place} />
        {headings.length > 1 ? (
          <details class="toc-small">
            <summary>On this page</summary>
            <TocList headings={headings} />
          </details>
        ) : null}
        <article class={place.path === MANUAL ? 'prose first' : 'prose'}>{children}</article>
        {place.path === MANUAL ? null : (
          <p class="as-markdown">
            <a href={`${place.path}.md`}>This page as Markdown</a>
          </p>
        )}
        <nav class="turn-page" aria-label="Pages before and after">
          {before ? (
            <a href={before.path} rel="prev">
              <span>Previous</span>
              {before.label}
            </a>
          ) : null}
          {after ? (
            <a href={after.path} rel="next">
              <span>Next</span>
              {after.label}
            </a>
          ) : null}
        </nav>
      </main>
      {headings.length > 1 ? (
        <nav class="toc" aria-labelledby="toc-title">
          <h2 id="toc-title">On this page</h2>
          <TocList headings={headings} />
        </nav>
      ) : null}
      <dialog class="drawer" aria-label="Contents" />
      <dialog class="search" aria-label="Search the manual" />
      <p class="visually-hidden" role="status" id="announce" />
    </div>
  );
}

function Contents({ place, groups }: Pick<ManualProps, 'place' | 'groups'>) {
  return (
    <nav class="contents" aria-label="Manual">
      {groups.map(({ title, places }) => (
        <section key={title}>
          <h2>{title}</h2>
          <ul>
            {places.map(({ path, label }) => (
              <li key={path}>
                <a href={path} aria-current={currentIn(place, path)}>
                  {label}
                </a>
              </li>
            ))}
          </ul>
        </section>
      ))}
      <section>
        <h2>Try it here</h2>
        <ul>
          <li>
            <a href="/playground">Playground</a>
          </li>
          <li>
            <a href="/openapi">API, to try</a>
          </li>
          <li>
            <a href="/redoc">API, to read</a>
          </li>
        </ul>
      </section>
    </nav>
  );
}

function currentIn(place: Place, path: string): 'page' | 'true' | undefined {
  if (place.path === path) return 'page';
  return path === DECISIONS && place.path.startsWith(`${path}/`) ? 'true' : undefined;
}

function Breadcrumbs({ place }: { place: Place }) {
  if (place.path === MANUAL) return null;
  const above = place.path.startsWith(`${DECISIONS}/`) ? (
    <a href={DECISIONS}>Decisions</a>
  ) : (
    <span>{place.group}</span>
  );
  return (
    <nav class="crumbs" aria-label="Breadcrumbs">
      <ol>
        <li>
          <a href={MANUAL}>Manual</a>
        </li>
        <li>{above}</li>
        <li>
          <span aria-current="page">{place.label}</span>
        </li>
      </ol>
    </nav>
  );
}

function TocList({ headings }: Pick<ManualProps, 'headings'>) {
  return (
    <ul>
      {headings
        .filter(({ depth }) => depth < 4)
        .map(({ depth, id, text }) => (
          <li key={id} class={`depth-${depth}`}>
            <a href={`#${id}`}>{text}</a>
          </li>
        ))}
    </ul>
  );
}

function SearchButton() {
  return (
    <button
      class="open-search"
      type="button"
      aria-haspopup="dialog"
      aria-keyshortcuts="/ Control+K"
    >
      <Glass />
      <span>Search</span>
      <kbd>/</kbd>
    </button>
  );
}

function Glass() {
  return (
    <svg width="16" height="16" viewBox="0 0 24 24" fill="none" aria-hidden="true">
      <circle cx="11" cy="11" r="7" stroke="currentColor" stroke-width="2" />
      <path d="m20 20-4-4" stroke="currentColor" stroke-width="2" stroke-linecap="round" />
    </svg>
  );
}

function Lines() {
  return (
    <svg width="18" height="18" viewBox="0 0 24 24" fill="none" aria-hidden="true">
      <path
        d="M4 7h16M4 12h16M4 17h10"
        stroke="currentColor"
        stroke-width="2"
        stroke-linecap="round"
      />
    </svg>
  );
}
