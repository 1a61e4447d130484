// The routes of the gateway, for tests that go over all of them.
import { readFileSync } from 'node:fs';

export interface Route {
  readonly access: 'public' | 'token' | 'local';
  readonly method: string;
  readonly path: string;
}

/** The routes as src/http/app.ts lists them, so that a new one cannot be forgotten here. */
export const ROUTES: readonly Route[] = [
  ...readFileSync(new URL('../../src/http/app.ts', import.meta.url), 'utf8').matchAll(
    /\['(public|token|relief|local)', '([A-Z]+)', '(\/[^']*)'/g,
  ),
].map(([, access, method = '', path = '']) => ({
  access: access === 'public' || access === 'local' ? access : 'token',
  method,
  path: path.replaceAll(/:\w+(?:\{[^}]*\})?/g, 'some-id'),
}));
