// `/dashboard`: the frame that the program (dashboard.tsx) fills.
import type { Page } from '../shell/page.tsx';

export const dashboard: Page = {
  path: '/dashboard',
  title: 'Dashboard · DGX LLM Chat Gateway',
  description: 'The last hour: requests, errors, speed, and how much of each prompt was cached.',
  styles: ['dashboard/dashboard.css'],
  scripts: ['dashboard/dashboard.tsx'],
  content: (
    <div id="dashboard">
      <main id="content" class="dash-boot" aria-busy="true">
        <p>Loading the dashboard …</p>
        <noscript>The dashboard is a program: it needs JavaScript.</noscript>
      </main>
    </div>
  ),
};
