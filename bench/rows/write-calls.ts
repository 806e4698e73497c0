import { randomBytes } from 'node:crypto';
import { createConnection, type RequestSpec, type Timing, time } from '../measure.ts';
import type { Row } from '../row.ts';
import { type LoginKind, type Server, type Service, type Stage, withServer } from '../stage.ts';

const COPIED = 100;

/** macOS's own, which creates a file empty, locks it, and only then sends what is in it. */
const FINDER = 'WebDAVFS/3.0.0 (03008000) Darwin/23.5.0 (arm64)';
const LOCK_BODY =
  '<?xml version="1.0" encoding="utf-8"?>\n<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>\n';

/** How many calls, parts included, writing costs the account. */
export async function benchWriteCalls({ service }: Stage): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [kind, name] of [
    ['app', 'web API'],
    ['open', 'open API'],
  ] as const) {
    rows.push(...(await withServer(service, {}, (server) => countWrites(service, server, kind, name), kind)));
  }
  return rows;
}

async function countWrites(service: Service, server: Server, kind: LoginKind, api: string): Promise<Row[]> {
  const connection = createConnection();
  const send = async (spec: RequestSpec, ...expected: number[]): Promise<Timing> => {
    const timing = await time(connection, spec);
    if (!expected.includes(timing.status)) throw new Error(`${spec.method} ${spec.url}: ${timing.status}`);
    return timing;
  };
  const folder = `${server.url}/written-by-${kind}`;
  await send({ url: `${folder}/`, method: 'MKCOL' }, 201);
  const put = (name: string, body: Buffer, status: number) =>
    send({ url: `${folder}/${name}`, method: 'PUT', body }, status);
  // Who is signed in and how much room there is are asked for once.
  await put('first.bin', randomBytes(5000), 201);
  const during = async (work: () => Promise<unknown>) => {
    const before = await countCalls(service);
    await work();
    return (await countCalls(service)) - before;
  };
  const row = (name: string, figure: number, bound: number): Row => ({
    name: `${name} (${api})`,
    compares: 'calls to the API and parts',
    figure,
    unit: 'calls',
    bound,
    better: 'lower',
  });
  const known = randomBytes(5000);
  return [
    row('PUT of 5 kB of new content', await during(() => put('new.bin', known, 201)), 3),
    row('PUT of 5 kB that the service knows', await during(() => put('known.bin', known, 201)), 1),
    row('overwriting 5 kB with new content', await during(() => put('new.bin', randomBytes(5000), 204)), 4),
    row(
      `Finder's copy of ${COPIED} files with their ._ companions, listings not counted`,
      await during(async () => {
        for (let index = 0; index < COPIED; index++) {
          await copyLikeFinder(send, `${folder}/photo-${index}.jpg`, randomBytes(20_000));
          await copyLikeFinder(send, `${folder}/._photo-${index}.jpg`, randomBytes(4096));
        }
      }),
      3 * COPIED,
    ),
  ];
}

async function copyLikeFinder(
  send: (spec: RequestSpec, ...expected: number[]) => Promise<Timing>,
  url: string,
  body: Buffer,
): Promise<void> {
  const agent = { 'User-Agent': FINDER };
  const propfind = { url, method: 'PROPFIND', headers: { ...agent, Depth: '0' } };
  await send(propfind, 404);
  await send({ url, method: 'PUT', headers: { ...agent, 'Content-Length': '0' } }, 201);
  const lock = { ...agent, Depth: '0', Timeout: 'Second-600', 'Content-Type': 'text/xml' };
  const { headers } = await send({ url, method: 'LOCK', headers: lock, body: LOCK_BODY }, 200);
  const token = String(headers['lock-token']);
  const content = {
    ...agent,
    If: `(${token})`,
    'Transfer-Encoding': 'chunked',
    'X-Expected-Entity-Length': String(body.length),
  };
  await send({ url, method: 'PUT', headers: content, body }, 204, 201);
  await send(propfind, 207);
  await send({ url, method: 'UNLOCK', headers: { ...agent, 'Lock-Token': token } }, 204);
}

async function countCalls(service: Service): Promise<number> {
  const [all, parts, ...lists] = await Promise.all([
    service.calls(),
    service.calls('upload'),
    service.calls('/adrive/v3/file/list'),
    service.calls('/adrive/v1.0/openFile/list'),
  ]);
  return all + parts - lists.reduce((sum, calls) => sum + calls, 0);
}
