// The request as code, as the playground shows it: run as it is, it makes the request that the page would make.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { fileURLToPath } from 'node:url';
import { startBrowser, type TestBrowser } from './harness/browser.ts';
import { startDemoGateway, type DemoGateway } from './harness/demo-gateway.ts';
import { replySse, streamOf } from './harness/fake-upstream.ts';
import { TOKEN } from './harness/gateway.ts';
import { openPlayground, type PlaygroundPage } from './harness/playground.ts';

// A browser on a busy machine takes its time.
setDefaultTimeout(60_000);

let demo: DemoGateway;
let browser: TestBrowser;
beforeAll(async () => {
  demo = await startDemoGateway();
  browser = await startBrowser();
  demo.flaky.script = (call) => replySse(call, streamOf(['ran ', 'well']));
});
afterAll(async () => {
  await browser.close();
  await demo.close();
});

const root = fileURLToPath(new URL('..', import.meta.url));
/** Whatever a shell, Python or JavaScript could take for something else. */
const AWKWARD = `It's "quoted" \\n $HOME \`x\` \${y} %s 'JSON' é 😀\nJSON\n"""end`;

const RUNNERS = {
  curl: ['bash'],
  Python: ['python3', '-'],
  TypeScript: [process.execPath, 'run', '-'],
} as const;

/** What only the code in this language has. */
const MARKS: Record<string, string> = {
  curl: 'curl -N',
  Python: 'os.environ',
  TypeScript: 'process.env',
};

async function run(command: readonly string[], code: string): Promise<string> {
  const child = Bun.spawn([...command], {
    cwd: root,
    env: { PATH: process.env['PATH'], BEARER: TOKEN, NO_PROXY: '127.0.0.1' },
    stdin: new Blob([code]),
    stderr: 'pipe',
  });
  const [output, complaint, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (status !== 0) throw new Error(`${command[0]} exited with ${status}: ${complaint}\n${code}`);
  return output;
}

async function snippets({ page, press }: PlaygroundPage) {
  await press('This request as code');
  const shown = page.locator('[data-testid=snippet]');
  const codes = new Map<string, string>();
  for (const language of Object.keys(RUNNERS)) {
    await page.getByRole('dialog').getByText(language, { exact: true }).click();
    await shown.filter({ hasText: MARKS[language] ?? 'none' }).waitFor();
    codes.set(language, (await shown.textContent()) ?? '');
  }
  await page.keyboard.press('Escape');
  return codes;
}

const sent = () => JSON.parse(demo.flaky.calls.at(-1)?.body ?? '{}') as Record<string, unknown>;

async function prepared() {
  const playground = await openPlayground(browser, demo.gateway);
  const { page, choose, press } = playground;
  await choose('flaky');
  await press('Settings');
  await page.getByLabel('System prompt').fill('Be "brief".');
  await page.getByLabel('Temperature').fill('0.25');
  await page.getByLabel(/^Stop at/).fill('END');
  return playground;
}

describe('the same request as code', () => {
  test('with memory makes the page’s request in every language', async () => {
    const playground = await prepared();
    await playground.page.getByLabel('Your message').fill(AWKWARD);
    const codes = await snippets(playground);
    await playground.press('Send');
    await playground.answers.getByText('ran well').waitFor();
    const own = sent();
    expect(own['temperature']).toBe(0.25);
    for (const [language, command] of Object.entries(RUNNERS)) {
      const code = codes.get(language) ?? '';
      expect(code).not.toContain(TOKEN);
      const output = await run(command, code);
      expect(language === 'curl' ? output.includes('[DONE]') : output).toBe(
        language === 'curl' ? true : 'ran well',
      );
      expect(sent()).toEqual(own);
    }
    await playground.close();
  });

  test('without memory makes the page’s request, with OpenAI’s SDK where there is one', async () => {
    const playground = await prepared();
    await playground.page.getByText('Raw', { exact: true }).click();
    await playground.talk('First.');
    await playground.page.getByLabel('Your message').fill(AWKWARD);
    const codes = await snippets(playground);
    await playground.talk(AWKWARD);
    const own = sent();
    expect(own['messages']).toHaveLength(4);
    expect(await run(RUNNERS.curl, codes.get('curl') ?? '')).toContain('[DONE]');
    expect(sent()).toEqual(own);
    expect(await run(RUNNERS.TypeScript, codes.get('TypeScript') ?? '')).toBe('ran well');
    expect(sent()).toEqual(own);
    const parse = 'import ast, sys; print(ast.parse(sys.stdin.read()).body[-1].__class__.__name__)';
    const parsed = await run(['python3', '-c', parse], codes.get('Python') ?? '');
    expect(parsed.trim()).toBe('For');
    await playground.close();
  });
});
