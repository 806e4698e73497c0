import { readFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';

/** Why the server could not start, in words for its owner. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

export interface TlsSettings {
  readonly tls_cert: string | undefined;
  readonly tls_key: string | undefined;
}

export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/**
 * Reads and tries the certificate and its key; undefined when https is not asked for.
 * @throws ListenError that names the setting at fault.
 */
export async function readTlsFiles({ tls_cert, tls_key }: TlsSettings): Promise<TlsFiles | undefined> {
  if (tls_cert === undefined && tls_key === undefined) return undefined;
  const cert = await readPem('ALIDAV_TLS_CERT', tls_cert);
  const key = await readPem('ALIDAV_TLS_KEY', tls_key);
  tryContext({ cert }, `ALIDAV_TLS_CERT: ${tls_cert} holds no certificate in PEM form.`);
  tryContext({ key }, `ALIDAV_TLS_KEY: ${tls_key} holds no private key in PEM form without a passphrase.`);
  tryContext({ cert, key }, 'ALIDAV_TLS_KEY: the key does not belong to the certificate of ALIDAV_TLS_CERT.');
  return { cert, key };
}

async function readPem(setting: string, file: string | undefined): Promise<Buffer> {
  if (file === undefined) throw new ListenError(`${setting} is missing: https needs both a certificate and its key.`);
  try {
    return await readFile(file);
  } catch (error) {
    throw new ListenError(`${setting}: cannot read ${file} (${codeOf(error)}).`, { cause: error });
  }
}

function tryContext(files: Partial<TlsFiles>, message: string): void {
  try {
    createSecureContext(files);
  } catch (error) {
    throw new ListenError(message, { cause: error });
  }
}

/**
 * Resolves when the server accepts connections.
 * @throws ListenError that says what to do.
 */
export async function startListening(server: Server, host: string, port: number): Promise<AddressInfo> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    throw new ListenError(explain(codeOf(error), host, port), { cause: error });
  }
  return server.address() as AddressInfo;
}

function explain(code: string, host: string, port: number): string {
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is taken by another program: stop it, or choose another ALIDAV_PORT (0 for any free one).`;
    case 'EACCES':
      return `Listening on port ${port} is not permitted: choose an ALIDAV_PORT above 1023.`;
    case 'EADDRNOTAVAIL':
      return `${host} is no address of this machine: correct ALIDAV_HOST (127.0.0.1 for this machine alone, 0.0.0.0 for every network).`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The name ${host} has no address: correct ALIDAV_HOST.`;
    default:
      return `Cannot listen on ${host}, port ${port} (${code}): check ALIDAV_HOST and ALIDAV_PORT.`;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
