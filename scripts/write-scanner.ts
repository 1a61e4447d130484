// Writes src/json/scanner-code.ts: what src/json/scanner.wat comes to as WebAssembly. `npm run scanner` after a change;
// src/json/scanner.test.ts fails when somebody forgot to.
import { readFileSync, writeFileSync } from 'node:fs';
import wabt from 'wabt';

const SOURCE = new URL('../src/json/scanner.wat', import.meta.url);
const CODE = new URL('../src/json/scanner-code.ts', import.meta.url);

/** The WebAssembly of the source, as base64. */
export async function compiledScanner(): Promise<string> {
  const { parseWat } = await wabt();
  const module = parseWat('scanner.wat', readFileSync(SOURCE), { simd: true });
  const { buffer } = module.toBinary({});
  module.destroy();
  return Buffer.from(buffer).toString('base64');
}

if (import.meta.main) {
  writeFileSync(
    CODE,
    `// Made of scanner.wat by \`npm run scanner\`: WebAssembly, as base64.
export const SCANNER_CODE =
  '${await compiledScanner()}';
`,
  );
}
