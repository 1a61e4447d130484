// The search's field in its dialog, open at once on `/` or Ctrl+K; what finds is loaded behind it.
import { created, element } from '../code/element.ts';

export interface SearchBox {
  readonly dialog: HTMLDialogElement;
  readonly input: HTMLInputElement;
  readonly list: HTMLElement;
  readonly state: HTMLElement;
}

export function watchSearch(): void {
  let box: SearchBox | undefined;
  const open = () => {
    const isFirst = box === undefined;
    box ??= searchBox();
    if (!box.dialog.open) box.dialog.showModal();
    box.input.select();
    if (isFirst) void load(box);
  };
  for (const button of document.querySelectorAll('.open-search'))
    button.addEventListener('click', open);
  document.addEventListener('keydown', (event) => {
    const { key, ctrlKey, metaKey, altKey } = event;
    const asked = key === 'k' ? ctrlKey || metaKey : key === '/' && !ctrlKey && !metaKey && !altKey;
    if (!asked || (key === '/' && isTyping(event.target))) return;
    event.preventDefault();
    open();
  });
}

async function load(box: SearchBox): Promise<void> {
  const url = element(HTMLElement, '.manual').dataset['index'] ?? '';
  try {
    const { startSearch } = await import('./search.ts');
    await startSearch(box, url);
  } catch {
    // The gateway is away, or newer than this page.
    box.state.textContent = 'The search could not be loaded. Reload the page.';
  }
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.matches('input, textarea, select, [contenteditable]');
}

function searchBox(): SearchBox {
  const dialog = element(HTMLDialogElement, 'dialog.search');
  const input = created('input', {
    type: 'text',
    placeholder: 'Search the manual',
    autocomplete: 'off',
    spellcheck: false,
    role: 'combobox',
    ariaLabel: 'Search the manual',
    ariaExpanded: 'false',
    ariaAutoComplete: 'list',
  });
  input.setAttribute('aria-controls', 'search-hits');
  const list = created('div', { id: 'search-hits', role: 'listbox', ariaLabel: 'Hits' });
  const state = created('p', { className: 'search-state', role: 'status' });
  const keys = created('p', { className: 'search-keys' });
  for (const [key, does] of Object.entries({ '↑ ↓': 'choose', Enter: 'open', Esc: 'close' }))
    keys.append(created('span', {}, created('kbd', { textContent: key }), ` ${does}`));
  const close = created('button', { type: 'button', className: 'button quiet' }, 'Close');
  close.addEventListener('click', () => dialog.close());
  const field = created('div', { className: 'search-field' }, input, close);
  dialog.replaceChildren(field, state, list, keys);
  dialog.addEventListener('click', ({ target }) => {
    if (target === dialog) dialog.close();
  });
  return { dialog, input, list, state };
}
