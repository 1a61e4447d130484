// From links between Markdown files to links between pages. One that leads nowhere stops the build.
import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Group } from './contents.ts';

export interface Links {
  /** The address on the site of what a file of the repository links to; null for files that are no page, as code is. */
  linkFrom(file: string, href: string): string | null;
  /** The address of an image that a file shows. */
  imageFrom(file: string, href: string): string;
  /** Every image that was asked for: its address and its file. */
  readonly images: ReadonlyMap<string, string>;
}

export function createLinks(root: string, groups: readonly Group[]): Links {
  const pathOf = new Map(
    groups.flatMap(({ entries }) => entries.map(({ file, path }) => [file, path] as const)),
  );
  const images = new Map<string, string>();
  return {
    images,
    linkFrom(file, href) {
      if (/^(?:https?:|mailto:|#)/.test(href)) return href;
      const [target = '', fragment] = href.split('#');
      const to = posix.join(posix.dirname(file), target);
      const found = pathOf.get(to);
      if (found === undefined && existsSync(join(root, to))) return null;
      if (found === undefined) throw new Error(`${file}: ${href} leads nowhere`);
      return fragment === undefined ? found : `${found}#${fragment}`;
    },
    imageFrom(file, href) {
      const target = posix.join(posix.dirname(file), href);
      if (!target.startsWith('docs/'))
        throw new Error(`${file}: the image ${href} is not below docs/`);
      const address = `/${target}`;
      images.set(address, target);
      return address;
    },
  };
}
