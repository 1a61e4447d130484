// GET /openapi.json: the document of this API, made once, when somebody first asks for it.
import { createHash } from 'node:crypto';
import { openApiDocument, type ServedRoute } from '../openapi/document.ts';
import type { HttpContext } from '../exchange.ts';

export interface OpenApiDeps {
  readonly version: string;
}

/** `routes` is called when the document is made, so that this route can be one of them. */
export function openApiJson({ version }: OpenApiDeps, routes: () => readonly ServedRoute[]) {
  let made: { readonly text: string; readonly etag: string } | undefined;
  const make = () => {
    const text = JSON.stringify(openApiDocument(routes(), version));
    const digest = createHash('sha256').update(text).digest('hex').slice(0, 16);
    return { text, etag: `"${digest}"` };
  };
  return (context: HttpContext): Response => {
    made ??= make();
    const { text, etag } = made;
    const headers = { etag, 'cache-control': 'no-cache' };
    if (isKnown(context.req.header('if-none-match'), etag)) return context.body(null, 304, headers);
    return context.body(text, 200, { ...headers, 'content-type': 'application/json' });
  };
}

/** Whether one of the client's versions is this one; proxies that compress mark theirs as weak. */
function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  const known = ifNoneMatch?.split(',').map((each) => each.trim().replace(/^W\//, '')) ?? [];
  return known.includes(etag) || known.includes('*');
}
