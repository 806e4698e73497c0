import type { ServerResponse } from 'node:http';
import { writeJson } from './json.ts';

/** The process listens and answers: whatever the account's state, restarting it would help nobody. */
export function writeHealth(response: ServerResponse): void {
  writeJson(response, 200, { status: 'ok' });
}
