// `/openapi`: the API reference that requests can be sent from.
import type { Page } from '../shell/page.tsx';

export const apiConsole: Page = {
  path: '/openapi',
  title: 'API, to try · DGX LLM Chat Gateway',
  description:
    'Every route of the gateway with its fields, examples and errors, to try from the page.',
  styles: ['reference/console-style.css'],
  scripts: ['reference/console.ts'],
  policy: 'reference',
  content: (
    <main id="content" class="console">
      <div class="console-head">
        <div>
          <h1>API</h1>
          <p>
            Open a route, change its example, send it. The same to read in peace:{' '}
            <a href="/redoc">reference</a>. For tools: <a href="/openapi.json">openapi.json</a>.
          </p>
        </div>
        <form id="token-form" class="token-form">
          <label class="label" for="token">
            Your token
          </label>
          <div>
            <input
              id="token"
              class="field"
              type="password"
              autocomplete="off"
              spellcheck={false}
              placeholder="RUST_API_BEARER of the server"
              aria-describedby="token-says"
            />
            <button class="button primary" type="submit">
              Use
            </button>
          </div>
          <p id="token-says" class="token-says" role="status">
            Stays in this tab.
          </p>
        </form>
      </div>
      <div id="console" />
      <noscript>
        <p>
          This page needs JavaScript. <a href="/openapi.json">openapi.json</a> says the same.
        </p>
      </noscript>
    </main>
  ),
};
