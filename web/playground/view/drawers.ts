// The two sides of the page: beside the thread where there is room, over it where there is not. Over it they are like
// a dialog: the focus goes in, stays in, and goes back.
import { signal } from '@preact/signals';
import { useLayoutEffect } from 'preact/hooks';
import { drawer } from '../state/state.ts';

// The widths of style/layout.css.
const narrow = matched('(max-width: 52rem)');
const medium = matched('(max-width: 72rem)');

function matched(query: string) {
  const list = matchMedia(query);
  const matches = signal(list.matches);
  list.addEventListener('change', () => (matches.value = list.matches));
  return matches;
}

/** Which side lies over the thread now. */
export function coveringDrawer(): 'conversations' | 'settings' | null {
  if (drawer.value === 'conversations' && narrow.value) return 'conversations';
  return drawer.value === 'settings' && medium.value ? 'settings' : null;
}

/** Moves the focus into the side that opens over the thread, and back when it closes. */
export function useDrawerFocus(): void {
  const covering = coveringDrawer();
  // Before the browser notices that what has the focus cannot have it any more.
  useLayoutEffect(() => {
    if (covering === null) return undefined;
    const opener = document.activeElement;
    document.querySelector<HTMLElement>(`#${covering} :is(button, input, textarea)`)?.focus();
    return () => {
      const isLost = document.activeElement === document.body || isHidden(covering);
      if (isLost && opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, [covering]);
}

function isHidden(covering: string): boolean {
  return document.querySelector(`#${covering}`)?.contains(document.activeElement) ?? false;
}
