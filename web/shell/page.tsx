// The frame of every page: head, header with navigation, footer. Rendered once, when the site is built.
import type { ComponentChildren } from 'preact';

/** One page of the site, as the build writes it. */
export interface Page {
  /** Where the gateway serves it: `/docs/quickstart`. */
  readonly path: string;
  readonly title: string;
  /** One sentence, for search engines and previews. */
  readonly description: string;
  readonly content: ComponentChildren;
  /** Entry points under `web/`, beside those that every page has. */
  readonly scripts?: readonly string[];
  readonly styles?: readonly string[];
  /** A page that fills the window has no footer. */
  readonly fullHeight?: boolean;
  /** Which content security policy it is served with: see src/http/site/security-headers.ts. */
  readonly policy?: 'strict' | 'reference';
}

/** A file that is served as it is, beside the pages. */
export interface PlainFile {
  readonly path: string;
  readonly content: string | Uint8Array;
  /** Its path holds its hash. */
  readonly immutable?: boolean;
}

/** Where each entry leads, and the pages that belong to it beside those below its own path. */
const NAVIGATION = [
  { href: '/docs', label: 'Manual' },
  { href: '/playground', label: 'Playground' },
  { href: '/dashboard', label: 'Dashboard' },
  { href: '/openapi', label: 'API', also: '/redoc' },
];

export interface Assets {
  /** The address of a built file, by its entry point under `web/`. */
  url(entry: string): string;
}

export function Document({ page, assets }: { page: Page; assets: Assets }) {
  return (
    <html lang="en" data-theme="light">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{page.title}</title>
        <meta name="description" content={page.description} />
        <link rel="icon" href={assets.url('shell/icon.svg')} type="image/svg+xml" />
        <link
          rel="preload"
          href="/assets/inter-latin-5.3.0.woff2"
          as="font"
          type="font/woff2"
          crossorigin="anonymous"
        />
        <script src={assets.url('shell/theme.ts')} />
        {['style/site.css', ...(page.styles ?? [])].map((entry) => (
          <link key={entry} rel="stylesheet" href={assets.url(entry)} />
        ))}
        {(page.scripts ?? []).map((entry) => (
          <script key={entry} type="module" src={assets.url(entry)} />
        ))}
      </head>
      <body>
        <a class="skip button" href="#content">
          Skip to content
        </a>
        <Header path={page.path} />
        {page.content}
        {page.fullHeight ? null : (
          <footer class="site-footer">
            DGX LLM Chat Gateway, Apache-2.0. Everything on this page comes from this host.
          </footer>
        )}
      </body>
    </html>
  );
}

function Header({ path }: { path: string }) {
  return (
    <header class="site-header">
      <div>
        <a class="brand" href="/" aria-label="DGX LLM Chat Gateway, home">
          <Mark />
          <span>Chat Gateway</span>
        </a>
        <nav class="site-nav" aria-label="Site">
          {NAVIGATION.map(({ href, label, also }) => (
            <a
              key={href}
              href={href}
              aria-current={
                [href, also].includes(path) || path.startsWith(`${href}/`) ? 'page' : undefined
              }
            >
              {label}
            </a>
          ))}
        </nav>
        <button class="theme-switch button quiet icon" type="button" aria-label="Light or dark">
          <Sun />
          <Moon />
        </button>
      </div>
    </header>
  );
}

function Mark() {
  return (
    <svg width="22" height="22" viewBox="0 0 24 24" fill="none" aria-hidden="true">
      <path
        d="M4 20V9a5 5 0 0 1 5-5h6a5 5 0 0 1 5 5v11"
        stroke="currentColor"
        stroke-width="2.4"
        stroke-linecap="round"
      />
      <path
        d="M9 20v-7m6 7v-7"
        stroke="currentColor"
        stroke-width="2.4"
        stroke-linecap="round"
        opacity=".55"
      />
    </svg>
  );
}

function Sun() {
  return (
    <svg class="sun" width="18" height="18" viewBox="0 0 24 24" fill="none" aria-hidden="true">
      <circle cx="12" cy="12" r="4" stroke="currentColor" stroke-width="2" />
      <path
        d="M12 2v2m0 16v2M2 12h2m16 0h2M4.9 4.9l1.4 1.4m11.4 11.4 1.4 1.4m0-14.2-1.4 1.4M6.3 17.7l-1.4 1.4"
        stroke="currentColor"
        stroke-width="2"
        stroke-linecap="round"
      />
    </svg>
  );
}

function Moon() {
  return (
    <svg class="moon" width="18" height="18" viewBox="0 0 24 24" fill="none" aria-hidden="true">
      <path
        d="M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z"
        stroke="currentColor"
        stroke-width="2"
        stroke-linejoin="round"
      />
    </svg>
  );
}
