// All pages of the site, in the order of the navigation.
import { dashboard } from './dashboard/page.tsx';
import { home } from './home/page.tsx';
import { playground } from './playground/page.tsx';
import { notFound } from './shell/not-found.tsx';
import type { Page } from './shell/page.tsx';

export function allPages(): Page[] {
  return [home, playground, dashboard, notFound];
}
