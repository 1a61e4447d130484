// `/redoc`: the API reference for reading.
import type { Page } from '../shell/page.tsx';

export const apiReader: Page = {
  path: '/redoc',
  title: 'API, to read · DGX LLM Chat Gateway',
  description: 'The reference of the gateway’s API: every route, field, header and error.',
  styles: ['reference/api-reader-style.css'],
  scripts: ['reference/api-reader.tsx'],
  content: (
    <div id="reader">
      <main id="content" class="reader-wait">
        <p>Reading the document …</p>
        <noscript>
          This page needs JavaScript. <a href="/openapi.json">openapi.json</a> says the same.
        </noscript>
      </main>
    </div>
  ),
};
