/** What was sent, as bytes: nothing is lost to a wrong guess at its charset. */
export interface BasicCredentials {
  /** `user:password` */
  readonly whole: Buffer;
  readonly password: Buffer;
}

/** Parses what follows `Basic ` (RFC 7617); undefined when it is no base64 or has no colon. A password may contain colons. */
export function parseBasic(credentials: string): BasicCredentials | undefined {
  if (!/^[\w+/-]+={0,2}$/.test(credentials)) return undefined;
  const bytes = Buffer.from(credentials, 'base64');
  const colon = bytes.indexOf(':');
  return colon < 0 ? undefined : { whole: bytes, password: bytes.subarray(colon + 1) };
}
