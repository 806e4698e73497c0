import { pino } from 'pino';
import { PrivateLinks } from '../../src/state/private-links.ts';
import type { Stack } from './stack.ts';

/** How a log shows the address of any private link. */
export const LINK_IN_LOG = '/.alidav/t/[redacted]';

/**
 * Makes a link to a folder of the served tree, as the command does.
 * @param expiresAt epoch ms
 * @returns the path of its address, without the last slash
 */
export async function makePrivateLink({ app }: Stack, folder = '/', expiresAt?: number): Promise<string> {
  const { account, store } = app.connection;
  const userId = () => account.getUserId();
  const links = new PrivateLinks({ store, userId, log: pino({ level: 'silent' }), now: Date.now });
  const { token } = await links.add({ label: '', folder, expiresAt });
  return `/.alidav/t/${token}`;
}
