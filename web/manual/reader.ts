// What a page of the manual does by itself: copy buttons, tabs, the drawer of small screens, the place on the page.
import { watchCode } from '../code/code-blocks.ts';
import { element } from '../code/element.ts';
import { watchPlace } from './place.ts';
import { watchSearch } from './search-dialog.ts';

watchCode();
watchPlace();
watchDrawer();
watchSearch();

/** On small screens the navigation moves into a dialog, which keeps the focus and closes by Escape. */
function watchDrawer(): void {
  const drawer = element(HTMLDialogElement, '.drawer');
  const home = element(HTMLElement, '.manual-contents');
  const navigation = element(HTMLElement, '.contents');
  element(HTMLElement, '.open-contents').addEventListener('click', () => {
    drawer.append(navigation);
    drawer.showModal();
    navigation.querySelector('[aria-current]')?.scrollIntoView({ block: 'center' });
  });
  drawer.addEventListener('close', () => home.append(navigation));
  drawer.addEventListener('click', ({ target }) => {
    if (target === drawer || (target instanceof Element && target.closest('a'))) drawer.close();
  });
  matchMedia('(min-width: 60rem)').addEventListener('change', () => drawer.close());
}
