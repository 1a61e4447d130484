// The routes of the gateway, for tests that go over all of them.
import { readFileSync } from 'node:fs';

export interface Route {
  readonly access: 'public' | 'token' | 'local' | 'browser';
  readonly method: string;
  /** With an id in it that nothing has. */
  readonly path: string;
  /** As the document writes it: `/c1/turns/{id}`. */
  readonly template: string;
}

/** The routes as src/http/app.ts lists them, so that a new one cannot be forgotten here. */
export const ROUTES: readonly Route[] = [
  ...readFileSync(new URL('../../src/http/app.ts', import.meta.url), 'utf8').matchAll(
    /\['(public|token|relief|local|browser)', '([A-Z]+)', '(\/[^']*)'/g,
  ),
].map(([, access, method = '', path = '']) => ({
  access: isAccess(access) ? access : 'token',
  method,
  path: path.replaceAll(/:\w+(?:\{[^}]*\})?/g, 'some-id'),
  template: path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, '{$1}'),
}));

function isAccess(word: string | undefined): word is Route['access'] {
  return word === 'public' || word === 'token' || word === 'local' || word === 'browser';
}
