// All pages of the site, in the order of the navigation, and the files that belong to them.
import { dashboard } from './dashboard/page.tsx';
import { home } from './home/page.tsx';
import { apiConsole } from './reference/console-page.tsx';
import { apiReader } from './reference/reader-page.tsx';
import { manual } from './manual/page.tsx';
import { playground } from './playground/page.tsx';
import { notFound } from './shell/not-found.tsx';
import type { Page, PlainFile } from './shell/page.tsx';

const theManual = manual();

export function allPages(): Page[] {
  return [home, ...theManual.pages, playground, dashboard, apiConsole, apiReader, notFound];
}

/** What is served as it is: Markdown, the index of the search, images. */
export function plainFiles(): readonly PlainFile[] {
  return theManual.files;
}
