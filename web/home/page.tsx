// `/`: what this is, how it is, and where to go on.
import { codeTabs } from '../code/code.ts';
import type { Page } from '../shell/page.tsx';
import { EXAMPLES } from './examples.ts';

const WAYS = [
  {
    href: '/playground',
    title: 'Playground',
    text: 'Talk to a model, see that it remembers, and copy the request as code.',
  },
  {
    href: '/docs',
    title: 'Manual',
    text: 'From the first request to running it for a team, with examples that are tested.',
  },
  {
    href: '/openapi',
    title: 'API, to try',
    text: 'Every route with its fields. Type your token in and send requests from the page.',
  },
  {
    href: '/redoc',
    title: 'API, to read',
    text: 'The same reference, laid out for calm reading.',
  },
  {
    href: '/dashboard',
    title: 'Dashboard',
    text: 'The last hour: requests, errors, speed, and how much of each prompt was cached.',
  },
  {
    href: '/docs/errors',
    title: 'Errors',
    text: 'Every code, what it means, and what to do about it.',
  },
] as const;

const APIS = [
  {
    path: '/v1',
    title: 'OpenAI-compatible',
    text: 'Stateless, verbatim. Point any OpenAI SDK at this host and it works as it is.',
  },
  {
    path: '/c1',
    title: 'Chat with memory',
    text: 'Send one message. The history is kept here, and the engine gets it byte for byte, so that its cache is used.',
  },
] as const;

export const home: Page = {
  path: '/',
  title: 'DGX LLM Chat Gateway',
  description: 'One host and one token in front of your language models.',
  styles: ['home/home.css', 'code/code.css'],
  scripts: ['home/status.ts', 'home/example.ts'],
  content: (
    <main id="content" class="home">
      <section class="hero">
        <div class="hero-words">
          <h1>One host, one token, every model you run.</h1>
          <p class="lead">
            A gateway in front of the language models on your own machines and in the cloud. It
            speaks OpenAI’s API, and one of its own that remembers the conversation.
          </p>
          <p class="hero-actions">
            <a class="button primary" href="/playground">
              Open the playground
            </a>
            <a class="button" href="/docs/quickstart">
              Quickstart
            </a>
          </p>
        </div>
        <div class="try">
          <div dangerouslySetInnerHTML={{ __html: codeTabs(EXAMPLES) }} />
          <p>
            <code>BEARER</code> holds the token. <a href="/docs/authentication">Where it is</a>
          </p>
          <p class="visually-hidden" role="status" id="announce" />
        </div>
      </section>

      <section class="status card" aria-labelledby="status-title" aria-live="polite">
        <h2 id="status-title">
          <span class="dot" id="status-dot" />
          <span id="status-text">Asking how it is …</span>
        </h2>
        <ul id="status-upstreams" />
        <p class="status-foot">
          <span id="status-version" />
          <a href="/readyz">/readyz</a>
          <a href="/healthz">/healthz</a>
          <a href="/openapi.json">/openapi.json</a>
        </p>
      </section>

      <section class="apis" aria-label="The two APIs">
        {APIS.map(({ path, title, text }) => (
          <article key={path} class="card">
            <h2>
              <code>{path}</code> {title}
            </h2>
            <p>{text}</p>
          </article>
        ))}
      </section>

      <nav class="ways" aria-label="Where to go">
        {WAYS.map(({ href, title, text }) => (
          <a key={href} class="card way" href={href}>
            <strong>{title}</strong>
            <span>{text}</span>
          </a>
        ))}
      </nav>
    </main>
  ),
};
