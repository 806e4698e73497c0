import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createConnection, inTurn, median, time } from '../measure.ts';
import { startRclone } from '../processes.ts';
import { FINDER_BODY, filesOf, folderOf, plantFiles, propfindFiles } from '../propfind.ts';
import type { Row } from '../row.ts';
import { type Server, type Stage, startBare, withServer } from '../stage.ts';

/** PROPFIND of cached folders by those whom it would otherwise be asked of: webdav-server's own method, and rclone over a disk. */
export async function benchOtherServers({ service, size }: Stage): Promise<Row[]> {
  const counts = size === 'short' ? [10_000] : [10_000, 50_000];
  for (const count of counts) await plantFiles(service, count);
  return withServer(service, {}, async (server) => {
    for (const count of counts) await time(createConnection(), propfindFiles(server.url, count));
    return [...(await benchStock(server, counts)), ...(await benchRclone(server, counts))];
  });
}

/** The stock method takes so long that it is asked once. */
async function benchStock(server: Server, counts: readonly number[]): Promise<Row[]> {
  const stock = await startBare('bench/stock.ts', counts.map(String));
  try {
    const rows: Row[] = [];
    for (const count of counts) {
      const { ours, theirs } = await timeBoth(server, stock.url, count);
      rows.push({
        name: `PROPFIND Depth 1, ${count.toLocaleString('en')} entries, empty body: the library`,
        compares: "time of webdav-server's own method over its own virtual filesystem / ours",
        figure: theirs / ours,
        unit: '×',
        bound: 40,
        better: 'higher',
      });
    }
    return rows;
  } finally {
    await stock.stop();
  }
}

async function timeBoth(server: Server, url: string, count: number): Promise<{ ours: number; theirs: number }> {
  const connection = createConnection();
  const ours: number[] = [];
  for (let round = 0; round < 5; round++) ours.push((await time(connection, propfindFiles(server.url, count))).totalMs);
  const { status, totalMs } = await time(createConnection(), propfindFiles(url, count));
  if (status !== 207) throw new Error(`webdav-server answered ${status}`);
  return { ours: median(ours), theirs: totalMs };
}

async function benchRclone(server: Server, counts: readonly number[]): Promise<Row[]> {
  if (!hasRclone()) return [];
  const folder = mkdtempSync(path.join(tmpdir(), 'alidav-bench-'));
  try {
    for (const count of counts) writeFiles(path.join(folder, folderOf(count)), count);
    const rclone = await startRclone(folder);
    try {
      const rows: Row[] = [];
      for (const count of counts) {
        rows.push(await compareRclone(server, rclone, count, 'empty body', '', 3));
        rows.push(await compareRclone(server, rclone, count, "Finder's body", FINDER_BODY, 5));
      }
      return rows;
    } finally {
      await rclone.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function hasRclone(): boolean {
  try {
    execFileSync('rclone', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function writeFiles(folder: string, count: number): void {
  mkdirSync(folder);
  for (const name of filesOf(count)) writeFileSync(path.join(folder, name), '');
}

async function compareRclone(
  server: Server,
  rclone: Server,
  count: number,
  what: string,
  body: string,
  bound: number,
): Promise<Row> {
  const connection = createConnection();
  const totalMs = async ({ url }: Server) => (await time(connection, propfindFiles(url, count, body))).totalMs;
  const { ratio } = await inTurn(
    3,
    () => totalMs(rclone),
    () => totalMs(server),
  );
  return {
    name: `PROPFIND Depth 1, ${count.toLocaleString('en')} entries, ${what}: rclone`,
    compares: 'time of rclone serve webdav over an equal local tree / ours',
    figure: ratio,
    unit: '×',
    bound,
    better: 'higher',
  };
}
