import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { promisify } from 'node:util';
import { createConnection, inTurn, time } from '../measure.ts';
import { beginUpload, signIn, type UploadPlace } from '../open-api.ts';
import type { Row } from '../row.ts';
import { type Server, type Service, type Stage, withServer } from '../stage.ts';

const SIZE_BYTES = 2 ** 30;
/** As we cut a body of this length. */
const PART_BYTES = 12 * 2 ** 20;
const SLOW_BYTES_PER_SECOND = 50_000_000;

/** Sends a file of `SIZE_BYTES` of the given name. */
type Send = (name: string) => Promise<unknown>;

/** PUT through us against a bare proxy of the same storage host, and against curl straight to it. */
export async function benchUploading({ service, bare }: Stage): Promise<Row[]> {
  const place = await findPlace(service);
  return withServer(service, {}, async (server) => [
    await benchThroughput(service, server, bare, place),
    await benchSlowHost(service, server, place),
  ]);
}

async function findPlace(service: Service): Promise<UploadPlace> {
  const { refresh_token } = await service.control('login', { kind: 'open' });
  const openUrl = service.text('openUrl');
  const client = service.ready.client as { id: string; secret: string };
  const accessToken = await signIn(openUrl, client, String(refresh_token));
  return { openUrl, driveId: service.driveId, accessToken };
}

async function benchThroughput(service: Service, server: Server, bare: Server, place: UploadPlace): Promise<Row> {
  const { ratio } = await inTurn(
    7,
    speedOf(service, place, (name) => put(`${server.url}/${name}`)),
    speedOf(service, place, (name) => {
      const { openUrl, driveId, accessToken } = place;
      const about = { open: openUrl, drive: driveId, token: accessToken, name, part: String(PART_BYTES) };
      return put(`${bare.url}/upload?${new URLSearchParams(about)}`);
    }),
  );
  return {
    name: 'PUT of 1 GiB',
    compares: 'throughput / bare proxy that pipes the parts and computes their SHA-1',
    figure: ratio,
    unit: '×',
    bound: 0.8,
    better: 'higher',
  };
}

async function benchSlowHost(service: Service, server: Server, place: UploadPlace): Promise<Row> {
  const folder = mkdtempSync(path.join(tmpdir(), 'alidav-bench-'));
  const file = path.join(folder, 'zeros');
  writeFileSync(file, '');
  truncateSync(file, SIZE_BYTES);
  await service.control('settings', { uploadBytesPerSecond: SLOW_BYTES_PER_SECOND });
  try {
    const { ratio } = await inTurn(
      1,
      speedOf(service, place, (name) => curl(file, `${server.url}/${name}`)),
      speedOf(service, place, async (name) => {
        const upload = await beginUpload(place, name, SIZE_BYTES, SIZE_BYTES);
        await curl(file, upload.partUrls[0] ?? '');
        await upload.complete();
      }),
    );
    return {
      name: 'PUT of 1 GiB, the storage host limited to 50 MB/s',
      compares: 'throughput / curl -T straight to the storage host',
      figure: ratio,
      unit: '×',
      bound: 0.95,
      better: 'higher',
    };
  } finally {
    await service.control('settings', { uploadBytesPerSecond: null });
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Bytes per ms; every file has a name of its own and goes again, so that the disk does for the next. */
function speedOf(service: Service, { driveId }: UploadPlace, send: Send): () => Promise<number> {
  return async () => {
    const name = `${randomUUID()}.bin`;
    const started = performance.now();
    await send(name);
    const ms = performance.now() - started;
    await service.control('delete', { drive_id: driveId, path: `/${name}` });
    return SIZE_BYTES / ms;
  };
}

async function put(url: string): Promise<void> {
  const connection = createConnection();
  const { status } = await time(connection, { url, method: 'PUT', bodyBytes: SIZE_BYTES });
  connection.destroy();
  if (status !== 201) throw new Error(`${url.replace(/[?].*/, '')} answered a PUT with ${status}`);
}

async function curl(file: string, url: string): Promise<void> {
  await promisify(execFile)('curl', ['-fsS', '-o', '/dev/null', '-T', file, url]);
}
