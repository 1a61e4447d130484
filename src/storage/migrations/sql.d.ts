// What `import … from './x.sql' with { type: 'text' }` gives: the file's text, embedded in a compiled binary too.
declare module '*.sql' {
  const text: string;
  export default text;
}
