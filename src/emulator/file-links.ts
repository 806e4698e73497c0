import type { StoredEntry } from './store/entry.ts';
import type { LoginKind } from './tokens.ts';
import type { EntryLinks } from './web/entry-json.ts';
import type { World } from './world.ts';

/** Where a punished file's link leads; clients know it by its beginning. */
const PLACEHOLDER_URL = 'https://pds-system-file.oss-cn-beijing.aliyuncs.com/illegal.mp4';

/** The link that a punished file has in place of its own; undefined for all others. */
export function punishedUrl(world: World, entry: StoredEntry): string | undefined {
  switch (entry.punishment) {
    case 'no-link':
      return '';
    case 'placeholder':
      return PLACEHOLDER_URL;
    case 'substitute':
      return `${world.storageUrl()}/illegal.mp4`;
    default:
      return undefined;
  }
}

/** The links inside list and get answers; undefined for what has none. */
export function entryLinks(
  world: World,
  entry: StoredEntry,
  login: LoginKind,
  expireSec: number,
  withDownloadUrl: boolean,
): EntryLinks | undefined {
  if (entry.type === 'folder' || entry.streams || entry.uploadingBytes !== undefined) return undefined;
  const punished = punishedUrl(world, entry);
  const original = punished ?? world.links.sign({ entry, kind: login, expireSec }).url;
  return {
    url: previewUrl(world, entry, login, expireSec) ?? original,
    downloadUrl: withDownloadUrl ? original : undefined,
  };
}

/** A picture's `url` is a smaller copy, never the original; undefined for everything else. */
export function previewUrl(world: World, entry: StoredEntry, kind: LoginKind, expireSec: number): string | undefined {
  if (entry.punishment !== undefined || !isPicture(entry.name)) return undefined;
  return world.links.sign({ entry, kind, expireSec, process: 'image/resize,w_1920/format,jpeg' }).url;
}

function isPicture(name: string): boolean {
  return /\.(jpe?g|png|gif|webp|bmp|heic)$/i.test(name);
}

/** One link for each stream of a live photo. */
export function streamLinks(
  world: World,
  entry: StoredEntry,
  kind: LoginKind,
  expireSec: number,
): Record<string, string> {
  const links = Object.keys(entry.streams ?? {}).map((stream) => [
    stream,
    world.links.sign({ entry, kind, expireSec, stream }).url,
  ]);
  return Object.fromEntries(links);
}
