// GET /openapi.json: the document of this API, made once, when somebody first asks for it.
import { createHash } from 'node:crypto';
import type { ServedRoute } from '../openapi/document.ts';
import type { HttpContext } from '../exchange.ts';
import { accepts } from './pages.ts';

export interface OpenApiDeps {
  readonly version: string;
}

/** The document in one of the forms that it is sent in. */
interface Form {
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly headers: Readonly<Record<string, string>>;
}

interface Forms {
  readonly plain: Form;
  readonly packed: Form;
}

/** `routes` is called when the document is made, so that this route can be one of them. */
export function openApiJson({ version }: OpenApiDeps, routes: () => readonly ServedRoute[]) {
  let made: Promise<Forms> | undefined;
  return async ({ req }: HttpContext): Promise<Response> => {
    made ??= formsFor(routes(), version);
    const { plain, packed } = await made;
    const { body, headers } = accepts(req.raw, 'gzip') ? packed : plain;
    if (isKnown(req.header('if-none-match'), headers['etag'] ?? ''))
      return new Response(null, { status: 304, headers });
    return new Response(body, { headers });
  };
}

/** What the document is made of is loaded only now: most gateways are never asked for it, and would start later. */
async function formsFor(routes: readonly ServedRoute[], version: string): Promise<Forms> {
  const { openApiDocument } = await import('../openapi/document.ts');
  return formsOf(JSON.stringify(openApiDocument(routes, version)));
}

/** A tenth of its size when it is compressed, and of other bytes: so it has a tag of its own. */
function formsOf(text: string): Forms {
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const headers = {
    'content-type': 'application/json',
    'cache-control': 'no-cache',
    vary: 'accept-encoding',
  };
  return {
    plain: { body: text, headers: { ...headers, etag: `"${digest}"` } },
    packed: {
      body: Bun.gzipSync(text),
      headers: { ...headers, etag: `"${digest}-gzip"`, 'content-encoding': 'gzip' },
    },
  };
}

/** Whether one of the client's versions is this one; proxies that compress mark theirs as weak. */
function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  const known = ifNoneMatch?.split(',').map((each) => each.trim().replace(/^W\//, '')) ?? [];
  return known.includes(etag) || known.includes('*');
}
