// What a browser gets for an address below /docs where nothing is.
import type { Page } from './page.tsx';

export const notFound: Page = {
  path: '/404',
  title: 'Not here · DGX LLM Chat Gateway',
  description: 'There is no page at this address.',
  styles: ['home/home.css'],
  content: (
    <main id="content" class="hero">
      <h1>There is no page here</h1>
      <p class="lead">
        It may have moved: look through <a href="/docs">the manual</a>, which has a search.
      </p>
    </main>
  ),
};
