// The tables that benchmarks print: Markdown, to be pasted into docs/performance.md.

export function row(cells: readonly (string | number)[]): void {
  console.log(`| ${cells.join(' | ')} |`);
}
