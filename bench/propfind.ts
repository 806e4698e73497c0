import type { RequestSpec } from './measure.ts';
import type { Service } from './stage.ts';

/** What Finder asks for of a folder's entries. */
export const FINDER_BODY =
  '<?xml version="1.0" encoding="utf-8"?>\n<D:propfind xmlns:D="DAV:">\n<D:prop>\n<D:getlastmodified/>\n<D:getcontentlength/>\n<D:creationdate/>\n<D:resourcetype/>\n</D:prop>\n</D:propfind>\n';

/** A PROPFIND of Depth 1 of a folder that `plantFiles` made. */
export function propfind(baseUrl: string, count: number, body = ''): RequestSpec {
  return {
    url: `${baseUrl}/${folderOf(count)}/`,
    method: 'PROPFIND',
    headers: { Depth: '1', 'Content-Length': String(Buffer.byteLength(body)) },
    body,
  };
}

/** Puts a folder of so many empty files into the drive: the same names that `bare.ts`, `stock.ts` and a local tree have. */
export async function plantFiles(service: Service, count: number): Promise<void> {
  const parent_file_id = await service.plant({ name: folderOf(count) });
  await service.plant({ parent_file_id, name: 'file-#.txt', text: '', count });
}

export function folderOf(count: number): string {
  return `files-${count}`;
}
