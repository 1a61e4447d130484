// What the built site consists of: written by web/build, read by pages.ts. Only what is listed is ever served.

export interface SiteFile {
  /** Within the site's folder. */
  readonly file: string;
  readonly type: string;
  readonly etag: string;
  /** Which compressed forms lie beside it, as `<file>.br` and `<file>.gz`. */
  readonly encodings: readonly ('br' | 'gzip')[];
  /** Its name holds its hash: whoever has it need not ask again. */
  readonly immutable?: boolean;
  /** Of a page: which content security policy it gets. */
  readonly policy?: 'strict' | 'reference';
}

export interface SiteManifest {
  /** A hash of the sources that it was built from. */
  readonly sources: string;
  /** By path: `/`, `/docs/quickstart`, `/assets/site-1a2b3c.css`. */
  readonly files: Readonly<Record<string, SiteFile>>;
}
