import { Gauge, type Registry } from 'prom-client';
import type { AccountStatus } from '../../state/account-status.ts';
import { addFigure } from './figure.ts';

type AccountFigures = Pick<AccountStatus, 'state' | 'accessTokenIssuedAt' | 'accessTokenExpiresAt'>;

export interface AccountMetrics {
  /** @param read tells what is known, without asking the service */
  readonly watchAccount: (read: () => AccountFigures) => void;
}

const STATES: readonly AccountFigures['state'][] = ['starting', 'ready', 'offline', 'dead'];

export function createAccountMetrics(registry: Registry, now: () => number): AccountMetrics {
  let read = (): AccountFigures | undefined => undefined;
  addFigure(registry, 'alidav_access_token_age_seconds', 'Since the access token was issued.', () => {
    const issuedAt = read()?.accessTokenIssuedAt;
    return issuedAt === undefined ? undefined : (now() - issuedAt) / 1000;
  });
  addFigure(
    registry,
    'alidav_access_token_expires_in_seconds',
    'Until the access token ends, or since, below 0.',
    () => {
      const expiresAt = read()?.accessTokenExpiresAt;
      return expiresAt === undefined ? undefined : (expiresAt - now()) / 1000;
    },
  );
  new Gauge({
    name: 'alidav_account_state',
    help: '1 for the state that the login is in, 0 for the others.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const current = read()?.state;
      for (const state of STATES) this.set({ state }, state === current ? 1 : 0);
    },
  });
  return {
    watchAccount(given) {
      read = given;
    },
  };
}
