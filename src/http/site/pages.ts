// The pages of the site and what they load: files that were built before the start, by a fixed list. A path that is
// not on the list is not looked for on the disk.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from '../../domain/errors.ts';
import type { HttpContext } from '../exchange.ts';
import type { SiteFile, SiteManifest } from './manifest.ts';
import { securityHeaders } from './security-headers.ts';

export interface Site {
  readonly folder: string;
  /** None when the site was not built. */
  readonly files: ReadonlyMap<string, SiteFile>;
}

/** Reads the list of a built site. A gateway without one serves its APIs all the same. */
export function openSite(folder: string): Site {
  const path = join(folder, 'site.json');
  if (!existsSync(path)) return { folder, files: new Map() };
  const manifest: SiteManifest = JSON.parse(readFileSync(path, 'utf8'));
  return { folder, files: new Map(Object.entries(manifest.files)) };
}

export interface PageDeps {
  readonly site: Site;
}

/** GET of a page, a script, a style sheet: whatever the site has at the path of the request. */
export function sitePage({ site }: PageDeps) {
  return (context: HttpContext): Response => {
    const path = context.req.path.replace(/(?<=.)\/$/, '');
    const found = site.files.get(path);
    if (found) return fileReply(context.req.raw, site.folder, found);
    const missing = site.files.get('/404');
    if (missing && wantsHtml(context.req.raw.headers)) {
      const { body, headers } = fileReply(context.req.raw, site.folder, missing);
      return new Response(body, { status: 404, headers });
    }
    throw new GatewayError('route_not_found', {
      message:
        site.files.size === 0
          ? 'The pages of this gateway are not built. Run `npm run site` where it is installed, then start it again.'
          : `There is no page at ${path.slice(0, 200)}. /docs lists the pages of the manual.`,
    });
  };
}

/** Whether a browser asks, for somebody to look at the reply. */
export function wantsHtml(headers: Pick<Headers, 'get'>): boolean {
  return headers.get('accept')?.includes('text/html') ?? false;
}

function fileReply(request: Request, folder: string, found: SiteFile): Response {
  const headers: Record<string, string> = {
    'content-type': found.type,
    'cache-control': found.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    vary: 'accept-encoding',
    ...securityHeaders(found.policy ?? 'strict'),
  };
  const encoding = found.encodings.find((name) => accepts(request, name));
  // The compressed forms are other bytes, so they have tags of their own.
  const etag = encoding ? found.etag.replace(/"$/, `-${encoding}"`) : found.etag;
  headers['etag'] = etag;
  if (request.headers.get('if-none-match')?.includes(etag)) {
    return new Response(null, { status: 304, headers });
  }
  if (encoding) headers['content-encoding'] = encoding;
  const suffix = { br: '.br', gzip: '.gz' } as const;
  const path = join(folder, `${found.file}${encoding ? suffix[encoding] : ''}`);
  return new Response(Bun.file(path), { headers });
}

/** Whether it takes an encoding; `br;q=0` is a refusal. */
export function accepts(request: Request, encoding: string): boolean {
  const accepted = request.headers.get('accept-encoding') ?? '';
  return accepted.split(',').some((part) => {
    const [name = '', ...params] = part.trim().toLowerCase().split(';');
    return name.trim() === encoding && !params.some((param) => /^\s*q=0(?:\.0*)?\s*$/.test(param));
  });
}
