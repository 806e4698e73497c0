import { cpus } from 'node:os';
import { formatTable, isReached, type Row } from './row.ts';
import { benchCalls } from './rows/calls.ts';
import { benchListing } from './rows/listing.ts';
import { benchRedirect } from './rows/redirect.ts';
import { benchStartup } from './rows/startup.ts';
import { benchStreaming } from './rows/streaming.ts';
import { type Server, type Service, startBare, startService } from './stage.ts';

const BENCHES: readonly ((service: Service, bare: Server) => Promise<Row[]>)[] = [
  benchListing,
  benchRedirect,
  benchStreaming,
  benchCalls,
  benchStartup,
];

/** `npm run bench [-- --json]`: every figure is a ratio to, or held against, something measured in the same run. */
const service = await startService();
const bare = await startBare();
const rows: Row[] = [];
try {
  for (const bench of BENCHES) rows.push(...(await bench(service, bare)));
} finally {
  await bare.stop();
  await service.stop();
}
const machine = `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`;
if (process.argv.includes('--json')) console.log(JSON.stringify({ at: new Date().toISOString(), machine, rows }));
else console.log(`${formatTable(rows)}\n\n${new Date().toISOString().slice(0, 10)}, ${machine}`);
process.exitCode = rows.every(isReached) ? 0 : 1;
