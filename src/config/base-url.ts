/** The URL to reach a server by, from this machine where it listens on every address; with a trailing slash. */
export function formatBaseUrl(host: string, port: number, isTls: boolean): string {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  const reachable = { '0.0.0.0': '127.0.0.1', '::': '::1' }[bare] ?? bare;
  return `${isTls ? 'https' : 'http'}://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}/`;
}
