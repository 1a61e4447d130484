// The examples of the manual that need packages: each is run as it is written, in front of the demo engine.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDemoForAll } from '../harness/demo-for-all.ts';
import { allBlocks, type Block } from '../harness/manual-pages.ts';
import { runExample } from '../harness/manual-reader.ts';
import { folderOf, NODE } from './install.ts';
import type { Result, Trial } from './trial.ts';

const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

export const docs: Trial = {
  name: 'docs',
  packages: {
    npm: [
      '@langchain/openai@1.6.0',
      '@langchain/core@1.4.0',
      'llamaindex@0.12.1',
      '@llamaindex/openai@0.4.22',
    ],
    pip: ['openai==3.57.0', 'langchain-openai==1.7.4', 'litellm==1.110.2'],
  },
  async run(): Promise<Result> {
    const gateway = await startDemoForAll();
    const scratch = mkdtempSync(join(tmpdir(), 'docs-'));
    writeFileSync(join(scratch, 'photo.png'), Buffer.from(PIXEL, 'base64'));
    const faults: string[] = [];
    const blocks = allBlocks('python', 'js');
    for (const [index, block] of blocks.entries()) {
      const code = block.code.replaceAll('http://127.0.0.1:3000', gateway.url);
      const { exit, stdout, stderr } = await runExample(commandFor(block, { code, index }), {
        folder: scratch,
      });
      const silent = code.includes('print(') && stdout.trim() === '';
      if (exit !== 0 || silent) faults.push(`${block.path}:${block.line}: ${exit} ${stderr}`);
    }
    rmSync(scratch, { recursive: true });
    await gateway.close();
    return { did: `ran ${blocks.length} examples`, requests: blocks.length, faults };
  },
};

function commandFor(
  { language }: Block,
  { code, index }: { code: string; index: number },
): string[] {
  const folder = folderOf('docs');
  if (language === 'python') return [join(folder, 'venv/bin/python'), '-c', code];
  // Beside its packages, where it finds them.
  const file = join(folder, `example-${index}.mjs`);
  writeFileSync(file, code);
  return [NODE, file];
}
