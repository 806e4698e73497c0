import type { ServerResponse } from 'node:http';
import { writeJson } from './json.ts';

/** What is known of the account. `dead`: only a person can bring the login back. */
export interface Readiness {
  readonly state: 'starting' | 'ready' | 'offline' | 'dead';
  /** For people; holds no credential. */
  readonly message: string;
}

const RETRY_AFTER_S = { starting: 5, offline: 15, dead: 60 } as const satisfies Record<
  Exclude<Readiness['state'], 'ready'>,
  number
>;

/** 200 when the account works, else 503 with the reason. Who the account belongs to is nobody's business here. */
export function writeReady(response: ServerResponse, { state, message }: Readiness): void {
  if (state === 'ready') writeJson(response, 200, { status: 'ready' });
  else writeJson(response, 503, { status: state, reason: message }, { 'Retry-After': String(RETRY_AFTER_S[state]) });
}
