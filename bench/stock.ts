/**
 * webdav-server as it comes: its own PROPFIND over its own virtual filesystem, with one folder `/files-N/` of N empty files
 * for each N of the command line.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { v2 } from 'webdav-server';
import { filesOf, folderOf } from './propfind.ts';

const server = new v2.WebDAVServer({ rootFileSystem: new v2.VirtualFileSystem() });

function create(path: string, type: v2.ResourceType): Promise<void> {
  const context = v2.ExternalRequestContext.create(server);
  return new Promise((resolve, reject) => {
    server.rootFileSystem().create(context, new v2.Path(path), type, (error) => (error ? reject(error) : resolve()));
  });
}

for (const count of process.argv.slice(2).map(Number)) {
  const folder = `/${folderOf(count)}`;
  await create(folder, v2.ResourceType.Directory);
  for (const name of filesOf(count)) await create(`${folder}/${name}`, v2.ResourceType.File);
}
const listening = createServer((request, response) => server.executeRequest(request, response));
listening.listen(0, '127.0.0.1', () => {
  const { port } = listening.address() as AddressInfo;
  console.log(JSON.stringify({ url: `http://127.0.0.1:${port}` }));
});
process.on('SIGTERM', () => process.exit(0));
