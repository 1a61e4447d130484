// The dashboard in a real browser: what it shows is what the data route tells, in every state it can be in.
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from 'bun:test';
import type { BrowserContextOptions, Page } from 'playwright-core';
import type { DashboardData } from '../src/http/site/dashboard-shapes.ts';
import { startBrowser, type TestBrowser, type WatchedPage } from './harness/browser.ts';
import { said } from './harness/c1.ts';
import { chunk, replySse, startFakeUpstream, type FakeUpstream } from './harness/fake-upstream.ts';
import { startGateway, TOKEN, type TestGateway } from './harness/gateway.ts';

// Where a test runs out of time, Bun ends its processes, and so the browser of all others.
setDefaultTimeout(60_000);

let upstream: FakeUpstream;
let gateway: TestGateway;
let browser: TestBrowser;
beforeAll(async () => {
  const usage = {
    prompt_tokens: 1_000,
    completion_tokens: 20,
    prompt_tokens_details: { cached_tokens: 750 },
  };
  upstream = await startFakeUpstream((call) =>
    replySse(call, [
      chunk({ content: 'a' }),
      chunk({}, 'stop'),
      { ...chunk({}), choices: [], usage },
      '[DONE]',
    ]),
  );
  browser = await startBrowser();
});
beforeEach(async () => {
  gateway = await startGateway(`
catalogue: replace
upstreams: { fake: { kind: openai, base_url: ${upstream.url} } }
models:
  test-model: { targets: [{ upstream: fake, model: fake-model }] }
  other-model: { targets: [{ upstream: fake, model: fake-model }] }
`);
});
afterEach(async () => {
  await gateway.close();
});
afterAll(async () => {
  await browser.close();
  await upstream.close();
});

async function asked(
  model: string,
  messages: readonly object[] = [{ role: 'user', content: 'hi' }],
) {
  const body = { model, stream: true, messages };
  await (await gateway.request('/v1/chat/completions', { body })).text();
}
/** Four answers, one of them a turn of /c1, and two failures. */
async function someRequests(): Promise<void> {
  await asked('test-model');
  await asked('test-model');
  await asked('other-model');
  await said(gateway, { message: 'hi' });
  await gateway.logged('turn finished');
  await asked('test-model', []);
  await asked('made-up');
}
const data = async (query = '') =>
  (await (await gateway.request(`/dashboard/data?step=60${query}`)).json()) as DashboardData;

async function opened(options: BrowserContextOptions = {}, token = TOKEN): Promise<WatchedPage> {
  const watched = await browser.open(`${gateway.url}/dashboard`, options);
  await watched.page.evaluate(`sessionStorage.setItem('gateway-token', ${JSON.stringify(token)})`);
  await watched.page.reload();
  return watched;
}
const tile = (page: Page, label: string) =>
  page.locator('.tile', { has: page.locator('dt', { hasText: label }) });
const valueOf = (page: Page, label: string) => tile(page, label).locator('strong').innerText();

describe.each([
  { name: 'large and light', width: 1280, colorScheme: 'light' },
  { name: 'small and dark', width: 390, colorScheme: 'dark' },
] as const)('$name', ({ width, colorScheme }) => {
  const options = { viewport: { width, height: 800 }, colorScheme };

  test('asks for the token, then shows the figures of the data route, without a complaint', async () => {
    await someRequests();
    const { page, complaints, violations, close } = await browser.open(
      `${gateway.url}/dashboard`,
      options,
    );
    await page.getByLabel('Token').fill(TOKEN);
    expect(await violations()).toEqual([]);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('.uplot').nth(4).waitFor();
    const { total, by_model } = await data();
    expect(total.requests).toBe(6);
    expect(await valueOf(page, 'Requests')).toBe('6');
    expect(await valueOf(page, 'Errors')).toBe('33%');
    expect(await tile(page, 'Errors').innerText()).toContain('2 failed');
    expect(await valueOf(page, 'Prefix reuse')).toBe(`${(total.reuse ?? 0) * 100}%`);
    expect(await valueOf(page, 'Prefix reuse')).toBe('75%');
    expect(await valueOf(page, 'Speed')).toBe(shownRate(total.tokens_per_second));
    const rows = page.getByRole('region', { name: 'By model, a table' }).locator('tbody tr');
    expect(await rows.count()).toBe(by_model.length);
    for (const { model, requests } of by_model) {
      const row = rows.filter({ hasText: model === '' ? 'no model' : model });
      expect(await row.locator('td').first().innerText()).toBe(String(requests));
    }
    expect(await page.locator('.engine', { hasText: 'fake' }).innerText()).toContain('up');
    expect(await violations()).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(complaints).toEqual([]);
    await close();
  });

  test('says where to begin when nothing was asked yet', async () => {
    const { page, complaints, violations, close } = await opened(options);
    await page.getByText('Nobody has asked anything').waitFor();
    expect(await valueOf(page, 'Requests')).toBe('0');
    expect(await page.getByText('No requests in this time.').count()).toBeGreaterThan(2);
    expect(await violations()).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });
});

const shownRate = (value: number | null) =>
  value === null ? '–' : value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en');

test('shows one model, one upstream, a quarter of an hour, and all again', async () => {
  await someRequests();
  const { page, close } = await opened();
  await page.getByLabel('Model', { exact: true }).selectOption('other-model');
  await tile(page, 'Requests').getByText('1', { exact: true }).waitFor();
  expect((await data('&model=other-model')).total.requests).toBe(1);
  await page.getByLabel('Model', { exact: true }).selectOption('');
  await page.getByRole('button', { name: 'test-model', exact: true }).click();
  await tile(page, 'Requests').getByText('3', { exact: true }).waitFor();
  expect(await page.getByLabel('Model', { exact: true }).inputValue()).toBe('test-model');
  await page.getByRole('button', { name: 'test-model', exact: true }).click();
  await tile(page, 'Requests').getByText('6', { exact: true }).waitFor();
  await page.getByLabel('Upstream', { exact: true }).selectOption('fake');
  await tile(page, 'Requests').getByText('4', { exact: true }).waitFor();
  const narrower = page.waitForRequest(/minutes=15&step=10/);
  await page.getByRole('button', { name: '15 min' }).click();
  await narrower;
  expect(await valueOf(page, 'Requests')).toBe('4');
  await close();
});

test('has the figures of each plot as a table, and tells them under the pointer', async () => {
  await someRequests();
  const { page, violations, close } = await opened({ viewport: { width: 1280, height: 1600 } });
  const plot = page.locator('figure', { has: page.getByRole('heading', { name: 'Errors' }) });
  await plot.locator('summary').click();
  const table = plot.getByRole('table');
  expect(await table.locator('thead').innerText()).toContain('model_not_in_allowlist');
  expect((await table.locator('td').allInnerTexts()).map(Number).reduce((a, b) => a + b, 0)).toBe(
    2,
  );
  expect(await violations()).toEqual([]);
  const over = plot.locator('.u-over');
  const { width = 0 } = (await over.boundingBox()) ?? {};
  await over.hover({ position: { x: width - 4, y: 40 } });
  expect(await plot.locator('.plot-tooltip').innerText()).toContain('model_not_in_allowlist');
  await close();
});

test('is refreshed every few seconds while somebody looks, and not while nobody does', async () => {
  const { page, close } = await opened();
  await page.clock.install();
  await page.reload();
  await page.locator('.tile dt').first().waitFor();
  let refreshes = 0;
  page.on('request', (request) => (refreshes += Number(request.url().includes('/dashboard/data'))));
  const answered = () => page.waitForResponse(/dashboard\/data/);
  const hide = (hidden: boolean) =>
    page.evaluate(
      `Object.defineProperty(document, 'hidden', { configurable: true, get: () => ${hidden} });
       document.dispatchEvent(new Event('visibilitychange'))`,
    );
  const passing = async () => {
    const next = answered();
    await page.clock.runFor(5_100);
    await next;
  };
  await passing();
  await asked('test-model');
  await passing();
  await tile(page, 'Requests').getByText('1', { exact: true }).waitFor();
  await hide(true);
  const before = refreshes;
  await page.clock.runFor(60_000);
  expect(refreshes).toBe(before);
  const next = answered();
  await hide(false);
  await next;
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByText('paused at').waitFor();
  const paused = refreshes;
  await page.clock.runFor(60_000);
  // Pausing looks once more, and that is all.
  expect(refreshes).toBeLessThanOrEqual(paused + 1);
  await close();
});

test('asks for the token again when the gateway does not take it any more, and forgets it', async () => {
  const { page, close } = await opened({}, 'an-old-token');
  await page.getByText('does not take this token any more').waitFor();
  expect(await page.evaluate(`sessionStorage.getItem('gateway-token')`)).toBeNull();
  await page.getByLabel('Token').fill(TOKEN);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.tile dt').first().waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in to the dashboard' }).waitFor();
  expect(await page.evaluate(`sessionStorage.getItem('gateway-token')`)).toBeNull();
  await close();
});

test('keeps what it knows when the gateway does not answer, and says so', async () => {
  await asked('test-model');
  const { page, violations, close } = await opened();
  await tile(page, 'Requests').getByText('1', { exact: true }).waitFor();
  await page.route('**/dashboard/data*', (route) => route.abort());
  await page.getByRole('button', { name: '15 min' }).click();
  await page.getByRole('alert').waitFor();
  expect(await page.getByRole('alert').innerText()).toContain('The gateway does not answer.');
  expect(await valueOf(page, 'Requests')).toBe('1');
  expect(await violations()).toEqual([]);
  await page.unroute('**/dashboard/data*');
  await page.getByRole('button', { name: '1 hour' }).click();
  await page.getByRole('alert').waitFor({ state: 'detached' });
  await close();
});

test('without a token the page is for browsers alone', async () => {
  const [page, program] = await Promise.all(
    ['text/html', 'application/json'].map((accept) =>
      fetch(`${gateway.url}/dashboard`, { headers: { accept } }),
    ),
  );
  expect([page?.status, program?.status]).toEqual([200, 401]);
});
