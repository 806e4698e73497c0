import type { RequestSpec } from './measure.ts';
import type { Service } from './stage.ts';

/** What Finder asks for of a folder's entries. */
export const FINDER_BODY =
  '<?xml version="1.0" encoding="utf-8"?>\n<D:propfind xmlns:D="DAV:">\n<D:prop>\n<D:getlastmodified/>\n<D:getcontentlength/>\n<D:creationdate/>\n<D:resourcetype/>\n</D:prop>\n</D:propfind>\n';

/** A PROPFIND of Depth 1. */
export function propfind(url: string, body = ''): RequestSpec {
  const headers = { Depth: '1', 'Content-Length': String(Buffer.byteLength(body)) };
  return { url, method: 'PROPFIND', headers, body };
}

/** One of a folder that `plantFiles` made. */
export function propfindFiles(baseUrl: string, count: number, body = ''): RequestSpec {
  return propfind(`${baseUrl}/${folderOf(count)}/`, body);
}

/** Puts a folder of so many empty files into the drive: the same names that `bare.ts`, `stock.ts` and a local tree have. */
export async function plantFiles(service: Service, count: number): Promise<void> {
  const parent_file_id = await service.plant({ name: folderOf(count) });
  await service.plant({ parent_file_id, name: 'file-#.txt', text: '', count });
}

/** The names in such a folder. */
export function filesOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `file-${String(index + 1).padStart(5, '0')}.txt`);
}

export function folderOf(count: number): string {
  return `files-${count}`;
}
