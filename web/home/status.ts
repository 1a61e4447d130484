// The live status on the first page, from /readyz, every ten seconds while somebody looks.
const EVERY_MS = 10_000;

interface Ready {
  readonly status: 'ready' | 'not_ready' | 'draining';
  readonly demo: boolean;
  readonly version: string;
  readonly store: { readonly ok: boolean };
  readonly upstreams: readonly Upstream[];
}
interface Upstream {
  readonly name: string;
  readonly kind: string;
  readonly healthy: boolean | null;
  readonly latency_ms?: number | null;
}

const element = (id: string): HTMLElement => {
  const found = document.querySelector<HTMLElement>(`#${id}`);
  if (!found) throw new Error(`no #${id} on this page`);
  return found;
};

async function refresh(): Promise<void> {
  try {
    const response = await fetch('/readyz');
    show(await response.json());
  } catch {
    // Said on the page: the gateway is away, or something between it and the browser.
    say('danger', 'The gateway does not answer');
    element('status-upstreams').replaceChildren();
  }
}

function show({ status, demo, version, store, upstreams }: Ready): void {
  if (status === 'draining') say('warn', 'Stopping');
  else if (status === 'not_ready')
    say('danger', store.ok ? 'No model answers' : 'The store is down');
  else if (demo) say('ok', 'Ready, with the built-in demo engine');
  else say('ok', 'Ready');
  element('status-version').textContent = `Version ${version}`;
  element('status-upstreams').replaceChildren(...upstreams.map(upstreamItem));
}

function say(tone: 'ok' | 'warn' | 'danger', text: string): void {
  element('status-dot').className = `dot ${tone}`;
  element('status-text').textContent = text;
}

function upstreamItem({ name, kind, healthy, latency_ms }: Upstream): HTMLElement {
  const item = document.createElement('li');
  const dot = document.createElement('span');
  dot.className = `dot ${healthy === null ? '' : healthy ? 'ok' : 'danger'}`;
  const label = document.createElement('strong');
  label.textContent = name;
  const detail = document.createElement('span');
  const state = healthy === null ? 'not asked yet' : healthy ? 'answers' : 'does not answer';
  const latency = typeof latency_ms === 'number' ? ` in ${latency_ms.toFixed(0)} ms` : '';
  detail.textContent = `${kind}, ${state}${healthy ? latency : ''}`;
  item.append(dot, label, detail);
  return item;
}

void refresh();
setInterval(() => {
  if (!document.hidden) void refresh();
}, EVERY_MS);
