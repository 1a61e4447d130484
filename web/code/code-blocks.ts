// Code blocks: copying them, choosing the language, and reaching by keyboard what is wider than the page.
import { announce, created } from './element.ts';

const COPIED_MS = 1_600;
/** Where the chosen language is kept, so that every page shows it first. */
const KEY = 'manual-language';

export function watchCode(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>('.copy')) {
    button.hidden = false;
    button.addEventListener('click', () => void copy(button));
  }
  document.querySelectorAll<HTMLElement>('.tabs').forEach(makeTabs);
  for (const box of document.querySelectorAll<HTMLElement>('.code pre, .table')) {
    if (box.scrollWidth <= box.clientWidth) continue;
    box.tabIndex = 0;
    box.setAttribute('role', 'region');
    box.setAttribute('aria-label', box.matches('.table') ? 'Table' : 'Code');
  }
}

async function copy(button: HTMLButtonElement): Promise<void> {
  const code = button.closest('.code')?.querySelector('code')?.textContent ?? '';
  try {
    await navigator.clipboard.writeText(code);
  } catch {
    // Not over plain HTTP from another machine: the clipboard is there in secure contexts only.
    select(button.closest('.code')?.querySelector('code'));
    announce('Selected: copy it with your keyboard');
    return;
  }
  button.textContent = 'Copied';
  announce('Copied');
  setTimeout(() => {
    button.textContent = 'Copy';
    announce('');
  }, COPIED_MS);
}

function select(code: Element | null | undefined): void {
  if (code) getSelection()?.selectAllChildren(code);
}

function makeTabs(box: HTMLElement, number: number): void {
  const panels = [...box.querySelectorAll<HTMLElement>('.code')];
  const list = created('div', { className: 'tab-list', role: 'tablist', ariaLabel: 'Language' });
  const tabs = panels.map((panel, index) => {
    const label = panel.dataset['label'] ?? '';
    const id = `tab-${number}-${index}`;
    panel.id = `${id}-panel`;
    panel.setAttribute('role', 'tabpanel');
    panel.setAttribute('aria-labelledby', id);
    const tab = created('button', { id, type: 'button', role: 'tab', textContent: label });
    tab.setAttribute('aria-controls', panel.id);
    tab.addEventListener('click', () => choose(label));
    return tab;
  });
  list.append(...tabs);
  list.addEventListener('keydown', ({ key }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (step === undefined) return;
    const at = tabs.findIndex((tab) => tab.ariaSelected === 'true');
    const next = tabs[(at + step + tabs.length) % tabs.length];
    next?.click();
    next?.focus();
  });
  box.prepend(list);
  box.classList.add('live');
  const show = (label: string | null) => {
    const at = Math.max(
      0,
      tabs.findIndex((tab) => tab.textContent === label),
    );
    for (const [index, tab] of tabs.entries()) {
      tab.ariaSelected = String(index === at);
      tab.tabIndex = index === at ? 0 : -1;
      panels[index]?.toggleAttribute('hidden', index !== at);
    }
  };
  show(localStorage.getItem(KEY));
  box.addEventListener('choose', () => show(localStorage.getItem(KEY)));
}

/** For all groups of the page that have it, here and from now on. */
function choose(label: string): void {
  localStorage.setItem(KEY, label);
  const having = [...document.querySelectorAll('.tabs')].filter((box) =>
    [...box.querySelectorAll('.code')].some((panel) => panel.getAttribute('data-label') === label),
  );
  for (const box of having) box.dispatchEvent(new Event('choose'));
}
