// The pages of the site in a real browser, and the headers they are served with.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { startBrowser, type TestBrowser } from './harness/browser.ts';
import { configFor, startFakeUpstream, type FakeUpstream } from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';

// A browser on a busy machine takes its time.
setDefaultTimeout(60_000);

let upstream: FakeUpstream;
let gateway: TestGateway;
let browser: TestBrowser;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  gateway = await startGateway(configFor(upstream));
  browser = await startBrowser();
});
afterAll(async () => {
  await browser.close();
  await gateway.close();
  await upstream.close();
});

describe.each([
  { name: 'large and light', width: 1280, colorScheme: 'light' },
  { name: 'small and dark', width: 390, colorScheme: 'dark' },
] as const)('/ ($name)', ({ width, colorScheme }) => {
  test('shows the live state of the gateway and its upstreams, without a complaint', async () => {
    const { page, complaints, violations, close } = await browser.open(gateway.url, {
      viewport: { width, height: 800 },
      colorScheme,
    });
    await page.getByText(/^Version \d/).waitFor();
    expect(await page.locator('#status-upstreams li').count()).toBeGreaterThan(0);
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe(colorScheme);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(await violations()).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });
});

test('the theme that was chosen is kept over a reload', async () => {
  const { page, close } = await browser.open(gateway.url, { colorScheme: 'light' });
  await page.getByRole('button', { name: 'Light or dark' }).click();
  await page.reload();
  expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark');
  await close();
});

describe('a page', () => {
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${gateway.url}${path}`, { headers, decompress: false });

  test('runs no script that is not ours and is framed by nobody', async () => {
    const { headers } = await get('/');
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain('unsafe');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('comes compressed as the client can read it', async () => {
    const forms = await Promise.all(
      ['br, gzip', 'gzip;q=0.5, br;q=0', 'identity'].map((accepted) =>
        get('/', { 'accept-encoding': accepted }),
      ),
    );
    expect(forms.map(({ headers }) => headers.get('content-encoding'))).toEqual([
      'br',
      'gzip',
      null,
    ]);
    const sizes = await Promise.all(forms.map(async (form) => (await form.bytes()).length));
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    expect(new Set(forms.map(({ headers }) => headers.get('etag'))).size).toBe(3);
  });

  test('is not sent again to who has it', async () => {
    const first = await get('/');
    const again = await get('/', { 'if-none-match': first.headers.get('etag') ?? '' });
    expect([again.status, await again.text()]).toEqual([304, '']);
  });

  test('is found with a slash at its end, too', async () => {
    const replies = await Promise.all(
      ['/docs/', '/playground/', '/docs/quickstart/'].map((path) => get(path)),
    );
    expect(replies.map(({ status, url }) => [status, url.replace(gateway.url, '')])).toEqual([
      [200, '/docs'],
      [200, '/playground'],
      [200, '/docs/quickstart/'],
    ]);
    expect((await get('/v1/models/')).status).toBe(401);
  });

  test('that is not there is a page to a browser and an error to a program', async () => {
    const [page, error] = await Promise.all([
      get('/docs/nothing', { accept: 'text/html,*/*' }),
      get('/docs/%2e%2e%2fpackage.json'),
    ]);
    expect([page.status, page.headers.get('content-type')]).toEqual([
      404,
      'text/html; charset=utf-8',
    ]);
    expect([error.status, await error.json()]).toMatchObject([404, { error: {} }]);
  });
});
