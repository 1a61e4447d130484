// The table of contents: every page of the manual with the file it is made from, grouped by what readers want to do.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface Entry {
  /** Where the gateway serves it: `/docs/quickstart`. */
  readonly path: string;
  /** From the root of the repository: `docs/quickstart.md`. */
  readonly file: string;
  /** In the navigation, where it is short; the page's own heading where absent. */
  readonly label?: string;
}

export interface Group {
  readonly title: string;
  readonly entries: readonly Entry[];
  /** Not in the navigation of every page, but in a list of its own. */
  readonly folded?: boolean;
}

export const MANUAL = '/docs';
export const DECISIONS = `${MANUAL}/decisions`;

const page = (name: string, label: string): Entry => ({
  path: `${MANUAL}/${name}`,
  file: `docs/${name}.md`,
  label,
});
const rootPage = (file: string, label: string): Entry => ({
  path: `${MANUAL}/${label.toLowerCase()}`,
  file,
  label,
});

const GROUPS: readonly Group[] = [
  {
    title: 'Start',
    entries: [
      { path: MANUAL, file: 'docs/README.md', label: 'Overview' },
      page('quickstart', 'Quickstart'),
      page('authentication', 'Authentication and limits'),
      page('clients', 'Clients and SDKs'),
    ],
  },
  {
    title: 'Build',
    entries: [
      page('conversations', 'Conversations and memory'),
      page('streaming', 'Streaming and resume'),
      page('tools', 'Tools'),
      page('vision', 'Images in'),
      page('image-generation', 'Images out'),
      page('structured-output', 'JSON and schemas'),
      page('client', 'Client library'),
    ],
  },
  {
    title: 'Look up',
    entries: [
      page('models', 'Models and constraints'),
      page('errors', 'Errors'),
      page('headers', 'Headers'),
      page('configuration', 'Configuration'),
      page('metrics', 'Metrics'),
    ],
  },
  {
    title: 'Run',
    entries: [
      page('upstreams', 'Upstreams'),
      page('operations', 'Operations'),
      page('failures', 'Failures'),
      page('traces', 'Traces'),
      page('performance', 'Performance'),
    ],
  },
  {
    title: 'Understand',
    entries: [
      rootPage('ARCHITECTURE.md', 'Architecture'),
      { path: DECISIONS, file: 'docs/decisions/', label: 'Decisions' },
      rootPage('CONTRIBUTING.md', 'Contributing'),
      rootPage('CHANGELOG.md', 'Changelog'),
    ],
  },
];

/** The groups of the navigation, as far as their files are there, and the decisions at the end. */
export function contents(root: string): Group[] {
  const decisions = readdirSync(join(root, 'docs/decisions'))
    .filter((name) => name.endsWith('.md'))
    .toSorted()
    .map((name) => ({
      path: `${DECISIONS}/${name.replace(/\.md$/, '')}`,
      file: `docs/decisions/${name}`,
    }));
  const groups = GROUPS.map(({ title, entries }) => ({
    title,
    entries: entries.filter(({ file }) => existsSync(join(root, file))),
  }));
  return [...groups, { title: 'Decisions', entries: decisions, folded: true }];
}
