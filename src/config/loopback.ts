import { BlockList, isIP } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** True for a name or address that only this machine can reach: `localhost`, `*.localhost`, 127/8, `::1`, with or without brackets. */
export function isLoopbackHost(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  const family = isIP(bare);
  if (family !== 0) return loopback.check(bare, family === 6 ? 'ipv6' : 'ipv4');
  return /^(?:[^.]+\.)*localhost\.?$/.test(bare);
}
