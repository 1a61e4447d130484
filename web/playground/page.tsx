// `/playground`: the frame that the program (playground.tsx) fills.
import type { Page } from '../shell/page.tsx';

export const playground: Page = {
  path: '/playground',
  title: 'Playground · DGX LLM Chat Gateway',
  description: 'Talk to a model, see that it remembers, and copy the request as code.',
  styles: ['playground/playground.css'],
  scripts: ['playground/playground.tsx'],
  fullHeight: true,
  content: (
    <div id="playground">
      <main id="content" class="boot" aria-busy="true">
        <p>Loading the playground …</p>
        <noscript>The playground is a program: it needs JavaScript.</noscript>
      </main>
    </div>
  ),
};
