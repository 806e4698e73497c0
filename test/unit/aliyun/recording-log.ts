import { pino } from 'pino';
import type { Logger } from '../../../src/log.ts';

/** A log whose lines the test can read. */
export function recordingLog(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  return { log: pino({ level: 'debug', base: null }, { write: (line: string) => lines.push(line) }), lines };
}
