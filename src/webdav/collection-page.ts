import { encodeSegment, splitPath } from '../drive/path.ts';
import type { TreeNode } from '../tree/node.ts';
import { createDateFormats, type DateFormats } from './date-formats.ts';
import { findContentLength } from './etag.ts';
import type { Exchange } from './method.ts';
import { toShownPath, toUrlPath } from './mount.ts';
import { writePagedBody } from './paged-body.ts';
import type { Tree } from './ports.ts';
import { modifiedAtOf, type PropertyRecord } from './properties.ts';
import { type PropertyStore, recordIdOf } from './property-store.ts';
import { toReadOptions } from './resource.ts';
import { escapeXml } from './xml.ts';

/** Answers GET and HEAD of a folder that was looked up already. */
export type CollectionHandler = (exchange: Exchange, folder: TreeNode) => Promise<void>;

const HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-cache',
} as const;

/** Folders come first by `order`: on a cold listing they are spread over pages that are sent as they arrive. */
const STYLE = `
:root { color-scheme: light dark }
* { box-sizing: border-box }
body { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem; font: 1rem/1.5 system-ui, sans-serif; color: CanvasText; background: Canvas }
h1 { margin: 0 0 1rem; font-size: 1.25rem; font-weight: 600; overflow-wrap: anywhere }
h1 * + *::before { content: "/"; margin: 0 .4em; color: GrayText }
a { color: LinkText; text-decoration: none; overflow-wrap: anywhere }
a:hover { text-decoration: underline }
ul { display: flex; flex-direction: column; margin: 0; padding: 0; border-top: 1px solid #8884; list-style: none }
ul:not(:has(.folder, .file))::after { content: "This folder is empty."; order: 3; padding: .5rem; color: GrayText }
li { display: grid; grid-template-columns: 1fr 6rem 10rem; gap: 1rem; order: 2; padding: .35rem .5rem; border-bottom: 1px solid #8884 }
li:hover { background: #8882 }
li.up { order: 0 }
li.folder { order: 1; font-weight: 600 }
li span, li time { color: GrayText; font-weight: 400; font-variant-numeric: tabular-nums; text-align: right }
@media (max-width: 40rem) { li { grid-template-columns: 1fr auto } li time { display: none } }
`;

const ROOT_TITLE = 'AliyunDrive';
const FLAT_SORT_FROM = 2_000;

export interface CollectionPageDeps {
  readonly tree: Tree;
  readonly properties: Pick<PropertyStore, 'ofFolder'>;
}

/** A plain readable index of a folder, for people with a browser. HEAD lists nothing. */
export function createCollectionPage({ tree, properties }: CollectionPageDeps): CollectionHandler {
  return async (exchange, folder) => {
    const { request, response, path, mount, signal } = exchange;
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    response.statusCode = 200;
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    const dates = createDateFormats();
    const records = await properties.ofFolder(folder.entry);
    const isSlashed = exchange.hasTrailingSlash;
    // Links are relative, whatever prefix a proxy puts before ours; without the slash they start at the parent.
    const base = isSlashed ? '' : `${encodeSegment(splitPath(toUrlPath(path, mount)).at(-1) ?? '')}/`;
    const names = [splitPath(mount?.folder ?? '/').at(-1) ?? ROOT_TITLE, ...splitPath(toShownPath(path, mount))];
    await writePagedBody(
      response,
      {
        head: formatHead(names, isSlashed),
        pages: sortPages(tree.list(folder, toReadOptions(request), signal)),
        render: (child) => formatItem(child, base, formatTime(child, records, dates)),
        tail: '</ul>\n</body>\n</html>\n',
      },
      signal,
    );
  };
}

/** A warm listing comes as one page and so is sorted whole; one too long for its language's order gets a quicker one. */
async function* sortPages(pages: AsyncIterable<readonly TreeNode[]>): AsyncGenerator<readonly TreeNode[]> {
  const collator = new Intl.Collator(undefined, { numeric: true });
  for await (const page of pages) {
    const compare = page.length < FLAT_SORT_FROM ? collator.compare : compareFlat;
    yield page.toSorted((a, b) => compare(a.name, b.name));
  }
}

function compareFlat(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** @param names of the folders from the root that the client sees to this one */
function formatHead(names: readonly string[], isSlashed: boolean): string {
  const depth = names.length - 1;
  const here = isSlashed ? depth : depth - 1;
  const linkTo = (target: number) => '../'.repeat(here - target) || './';
  const title = escapeXml(names[depth] ?? '');
  const crumbs = names.map((name, at) =>
    at === depth
      ? `<span aria-current="page">${escapeXml(name)}</span>`
      : `<a href="${linkTo(at)}">${escapeXml(name)}</a>`,
  );
  const up = depth === 0 ? '' : `<li class="up"><a href="${linkTo(depth - 1)}">..</a></li>\n`;
  return (
    `<!doctype html>\n<html>\n<head>\n<meta charset="utf-8">\n` +
    `<meta name="viewport" content="width=device-width, initial-scale=1">\n` +
    `<title>${title}</title>\n<style>${STYLE}</style>\n</head>\n<body>\n<h1>${crumbs.join('')}</h1>\n<ul>\n${up}`
  );
}

function formatTime({ entry }: TreeNode, records: ReadonlyMap<string, PropertyRecord>, dates: DateFormats): string {
  const date = dates.formatIsoDate(modifiedAtOf(entry, records.get(recordIdOf(entry))));
  return date ? `<time datetime="${date}" title="UTC">${date.slice(0, 10)} ${date.slice(11, 16)}</time>` : '';
}

function formatItem(child: TreeNode, base: string, time: string): string {
  const { kind } = child.entry;
  const slash = kind === 'folder' ? '/' : '';
  const link = `<a href="${base}${encodeSegment(child.name)}${slash}">${escapeXml(child.name)}${slash}</a>`;
  const length = kind === 'file' ? findContentLength(child.entry) : undefined;
  const size = length === undefined ? '' : formatSize(length);
  return `<li class="${kind}">${link}<span>${size}</span>${time}</li>\n`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

function formatSize(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[power]}`;
}
