import { propfind } from '../e2e/requests.ts';
import { FOLDER, type Model } from './model.ts';

const ASKED =
  '<D:propfind xmlns:D="DAV:" xmlns:oc="http://owncloud.org/ns"><D:prop><D:resourcetype/><oc:checksums/></D:prop></D:propfind>';

/**
 * What a client sees below a folder of the server, files by the checksum that it tells; the bytes themselves are looked at where
 * they lie, at the service. @throws Error for an answer that is none, or a name that is there twice
 */
export async function readServer(url: string, home: string): Promise<Model> {
  const found = new Map<string, string>();
  const walk = async (folder: string): Promise<void> => {
    const headers = { 'Cache-Control': 'no-cache' };
    const listed = await propfind(url, encodeURI(folder), '1', { headers, body: ASKED });
    if (listed.status !== 207 || !listed.isWhole) throw new Error(`PROPFIND ${folder}: ${listed.status}`);
    for (const response of listed.text.split('<D:response>').slice(2)) {
      const href = /<D:href>([^<]*)<\/D:href>/.exec(response)?.[1] ?? '';
      const path = decodeURIComponent(href).replace(/\/$/, '');
      const at = path.slice(home.length);
      const isFolder = response.includes('<D:collection/>');
      if (found.has(at)) throw new Error(`${path} is there twice`);
      found.set(at, isFolder ? FOLDER : (/SHA1:([0-9a-f]{40})/.exec(response)?.[1]?.toUpperCase() ?? 'no checksum'));
      if (isFolder) await walk(path);
    }
  };
  await walk(home);
  return found;
}
