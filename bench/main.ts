import { cpus } from 'node:os';
import { formatTable, isReached, type Row } from './row.ts';
import { benchCalls } from './rows/calls.ts';
import { benchListing } from './rows/listing.ts';
import { benchRedirect } from './rows/redirect.ts';
import { benchStartup } from './rows/startup.ts';
import { benchStreaming } from './rows/streaming.ts';
import { benchUploadMemory } from './rows/upload-memory.ts';
import { benchUploading } from './rows/uploading.ts';
import { benchWriteCalls } from './rows/write-calls.ts';
import { type Server, type Service, startBare, startService } from './stage.ts';

/** `isShort` where time matters more than that nothing grows in the long run. */
const BENCHES: readonly ((service: Service, bare: Server, isShort: boolean) => Promise<Row[]>)[] = [
  benchListing,
  benchRedirect,
  benchStreaming,
  benchUploading,
  benchUploadMemory,
  benchCalls,
  benchWriteCalls,
  benchStartup,
];

/**
 * `npm run bench [-- --json --short --only=NAME]`: every figure is a ratio to, or held against, something measured in the same
 * run. NAME is part of a function's, such as `Upload`.
 */
const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice('--only='.length) ?? '';
const chosen = BENCHES.filter((bench) => bench.name.includes(only));
const service = await startService({ uploadDiskBytes: 12 * 2 ** 30 });
const bare = await startBare();
const rows: Row[] = [];
try {
  for (const bench of chosen) rows.push(...(await bench(service, bare, process.argv.includes('--short'))));
} finally {
  await bare.stop();
  await service.stop();
}
const machine = `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`;
if (process.argv.includes('--json')) console.log(JSON.stringify({ at: new Date().toISOString(), machine, rows }));
else console.log(`${formatTable(rows)}\n\n${new Date().toISOString().slice(0, 10)}, ${machine}`);
process.exitCode = rows.every(isReached) ? 0 : 1;
