import type { Lock } from './lock-table.ts';

const WRITE = '<D:locktype><D:write/></D:locktype>';

/** The same for every resource, and so long that it is worth a constant (RFC 4918 §15.10). */
export const SUPPORTED_LOCK = `<D:supportedlock>${(['exclusive', 'shared'] as const)
  .map((scope) => `<D:lockentry><D:lockscope><D:${scope}/></D:lockscope>${WRITE}</D:lockentry>`)
  .join('')}</D:supportedlock>`;

/** The same where no lock can be had. */
export const NO_SUPPORTED_LOCK = '<D:supportedlock/>';

/** RFC 4918 §15.8. @param at epoch ms, for the time that is left */
export function formatLockDiscovery(locks: readonly Lock[], at: number): string {
  if (locks.length === 0) return '<D:lockdiscovery/>';
  return `<D:lockdiscovery>${locks.map((lock) => formatActiveLock(lock, at)).join('')}</D:lockdiscovery>`;
}

function formatActiveLock({ scope, depth, ownerXml, expiresAt, token, href }: Lock, at: number): string {
  const leftS = Math.max(0, Math.ceil((expiresAt - at) / 1000));
  return (
    `<D:activelock>${WRITE}<D:lockscope><D:${scope}/></D:lockscope><D:depth>${depth}</D:depth>${ownerXml}` +
    `<D:timeout>Second-${leftS}</D:timeout><D:locktoken><D:href>${token}</D:href></D:locktoken>` +
    `<D:lockroot><D:href>${href}</D:href></D:lockroot></D:activelock>`
  );
}
