import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { formatTable, isReached, type Row, withSlack } from './row.ts';
import { benchCalls } from './rows/calls.ts';
import { benchColdFolder, COLD_FOLDER_SERVICE } from './rows/cold-folder.ts';
import { benchListing } from './rows/listing.ts';
import { benchMemory } from './rows/memory.ts';
import { benchOtherServers } from './rows/other-servers.ts';
import { benchReading } from './rows/reading.ts';
import { benchRedirect } from './rows/redirect.ts';
import { benchScan } from './rows/scan.ts';
import { benchSeeks } from './rows/seeks.ts';
import { benchStartup } from './rows/startup.ts';
import { benchStreaming } from './rows/streaming.ts';
import { benchUploadMemory } from './rows/upload-memory.ts';
import { benchUploading } from './rows/uploading.ts';
import { benchWalk } from './rows/walk.ts';
import { benchWriteCalls } from './rows/write-calls.ts';
import { ORDINARY_ACCOUNT, type Size, type Stage, startBare, startService } from './stage.ts';

type Bench = (stage: Stage) => Promise<Row[]>;

/** Each with the settings of its service. */
const BENCHES: readonly (readonly [Bench, Readonly<Record<string, unknown>>])[] = [
  [benchListing, {}],
  [benchOtherServers, {}],
  [benchRedirect, {}],
  [benchColdFolder, COLD_FOLDER_SERVICE],
  [benchReading, ORDINARY_ACCOUNT],
  [benchSeeks, ORDINARY_ACCOUNT],
  [benchWalk, { limits: 'real' }],
  [benchScan, {}],
  [benchMemory, {}],
  [benchStreaming, {}],
  [benchUploading, { uploadDiskBytes: 12 * 2 ** 30 }],
  [benchUploadMemory, { uploadDiskBytes: 12 * 2 ** 30 }],
  [benchCalls, {}],
  [benchWriteCalls, {}],
  [benchStartup, {}],
];

const USAGE = `usage: npm run bench [-- --json] [--only=NAME,NAME] [--short | --full]
  --only   benches by a part of their names: ${BENCHES.map(([bench]) => nameOf(bench)).join(', ')}
  --short  smaller sizes, and bounds with slack, for machines that have other things to do
  --full   walks and scans of all 2,000, which take half an hour`;

function nameOf(bench: Bench): string {
  return bench.name.slice('bench'.length);
}

/** Every figure is a ratio to, or held against, something measured in the same run. */
async function run(only: readonly string[], size: Size): Promise<Row[]> {
  const chosen = BENCHES.filter(([bench]) => only.length === 0 || only.some((part) => nameOf(bench).includes(part)));
  if (chosen.length === 0) throw new Error(`No bench is named ${only.join(' or ')}.\n${USAGE}`);
  const rows: Row[] = [];
  for (const [bench, settings] of chosen) {
    const service = await startService(settings);
    const bare = await startBare();
    try {
      rows.push(...(await bench({ service, bare, size })));
    } finally {
      await bare.stop();
      await service.stop();
    }
  }
  return size === 'short' ? rows.map(withSlack) : rows;
}

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    short: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
  },
});
const size = values.short ? 'short' : values.full ? 'full' : 'usual';
const rows = await run(values.only.split(',').filter(Boolean), size);
const machine = `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`;
if (values.json) console.log(JSON.stringify({ at: new Date().toISOString(), machine, rows }));
else console.log(`${formatTable(rows)}\n\n${new Date().toISOString().slice(0, 10)}, ${machine}`);
process.exitCode = rows.every(isReached) ? 0 : 1;
