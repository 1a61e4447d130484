// Light or dark: as chosen before, else as the system has it. Runs before the first paint, so no page flashes.
const KEY = 'theme';
const system = matchMedia('(prefers-color-scheme: dark)');

function apply(): void {
  const chosen = localStorage.getItem(KEY);
  document.documentElement.dataset['theme'] = chosen ?? (system.matches ? 'dark' : 'light');
}

apply();
system.addEventListener('change', apply);
addEventListener('storage', apply);
addEventListener('click', ({ target }) => {
  if (!(target instanceof Element) || !target.closest('.theme-switch')) return;
  const dark = document.documentElement.dataset['theme'] === 'dark';
  localStorage.setItem(KEY, dark ? 'light' : 'dark');
  apply();
});
