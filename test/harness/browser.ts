// A real Chromium for tests of the pages: what it complains of, asks of other hosts or finds inaccessible fails them.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

/** Where Debian puts it; `CHROMIUM` names another. `scripts/ensure-chromium.mjs` installs it. */
const EXECUTABLE = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

export interface TestBrowser {
  /** A page in a profile of its own, at `url`. */
  open(url: string, options?: BrowserContextOptions): Promise<WatchedPage>;
  close(): Promise<void>;
}

export interface WatchedPage {
  readonly page: Page;
  /** Everything that went wrong so far: errors on the console, exceptions, requests to other hosts. */
  readonly complaints: string[];
  /** What axe finds of serious or critical violations, one line each. */
  violations(): Promise<string[]>;
  close(): Promise<void>;
}

export async function startBrowser(): Promise<TestBrowser> {
  if (!existsSync(EXECUTABLE))
    throw new Error(
      `no Chromium at ${EXECUTABLE}: run npm test, which installs it, or set CHROMIUM`,
    );
  const browser = await chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return {
    open: (url, options) => openPage(browser, url, options),
    close: () => browser.close(),
  };
}

async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  const { host } = new URL(url);
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      complaints.push(`console ${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`exception: ${error.message}`));
  page.on('request', (request) => {
    const asked = new URL(request.url());
    if (/^https?:|^wss?:/.test(asked.protocol) && asked.host !== host)
      complaints.push(`a request to another host: ${request.url()}`);
  });
  await page.goto(url);
  return {
    page,
    complaints,
    violations: () => axeViolations(page),
    close: () => context.close(),
  };
}

interface AxeResult {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

async function axeViolations(page: Page): Promise<string[]> {
  const source = fileURLToPath(import.meta.resolve('axe-core/axe.min.js'));
  // As the debugger evaluates it: the page's own policy would refuse a script tag.
  await page.evaluate(await Bun.file(source).text());
  const found: AxeResult[] = await page.evaluate(`axe.run().then(({ violations }) => violations)`);
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary = '' }) => `${id}: ${html}\n${failureSummary}`),
    );
}
