import { performance } from 'node:perf_hooks';
import { inTurn } from '../measure.ts';
import { startProgram } from '../processes.ts';
import type { Row } from '../row.ts';
import { type Stage, startServer } from '../stage.ts';

/** A process that imports what we import, and listens. */
const IMPORTS = `
  import 'axios'; import 'dotenv'; import 'lmdb'; import 'lru-cache'; import 'mime-types'; import 'pino';
  import 'pino-pretty'; import 'prom-client'; import 'sax'; import 'webdav-server'; import 'yazl'; import 'zod';
  import { createServer } from 'node:http';
  createServer().listen(0, '127.0.0.1', () => console.log('{"listening":true}'));
`;

/** From the command to listening, beyond what the packages themselves take to load. */
export async function benchStartup({ service }: Stage): Promise<Row[]> {
  const { a, b } = await inTurn(
    5,
    async () => {
      const started = performance.now();
      const server = await startServer(service, 'app');
      const ms = performance.now() - started;
      await server.stop();
      return ms;
    },
    async () => {
      const started = performance.now();
      const program = await startProgram(['--input-type=module', '-e', IMPORTS], (line) => line.listening === true);
      const ms = performance.now() - started;
      await program.stop();
      return ms;
    },
  );
  return [
    {
      name: 'from the command to listening',
      compares: 'longer than a process that imports the same packages and listens',
      figure: a - b,
      unit: 'ms',
      bound: 300,
      better: 'lower',
    },
  ];
}
