// All pages of the site, in the order of the navigation.
import { home } from './home/page.tsx';
import { notFound } from './shell/not-found.tsx';
import type { Page } from './shell/page.tsx';

export function allPages(): Page[] {
  return [home, notFound];
}
