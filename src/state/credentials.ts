import { createHash } from 'node:crypto';
import { access, chmod, constants, mkdir, readdir, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import type { TokenKind } from './account-status.ts';
import { sweepTemporaries, writeFileAtomic } from './atomic-file.ts';

const VERSION = 1;
const KINDS: readonly string[] = ['page', 'app', 'open'] satisfies TokenKind[];

/** One account's login. */
export interface Credentials {
  readonly userId: string;
  readonly kind: TokenKind;
  readonly accessToken: string | undefined;
  /** Epoch ms. */
  readonly accessTokenExpiresAt: number;
  /** Absent for a login that cannot be renewed (open platform without a client secret). */
  readonly refreshToken: string | undefined;
  /** The one before: good for one more try when a crash separated what the service knows from what is stored. */
  readonly previousRefreshToken: string | undefined;
  /** Epoch ms. */
  readonly refreshedAt: number;
  readonly signedInAt: number;
  /** `hashLogin` of the refresh tokens that this account was given by a person, the current login's first. */
  readonly loginHashes: readonly string[];
  /** Fields of other versions of this program, kept as they are. */
  readonly others: Readonly<Record<string, unknown>>;
}

/** A file that is there but cannot be used. The message names it and says what to do. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError';

  constructor(file: string, why: string, cause?: unknown) {
    super(
      `The stored login in ${file} cannot be used: ${why}. Restore the file from a backup, or move it away and sign in again with "alidav login".`,
      { cause },
    );
  }
}

export interface StoredCredentials {
  readonly accounts: readonly Credentials[];
  readonly damaged: readonly CredentialsError[];
}

/** The folder with one JSON file an account. */
export interface CredentialsFolder {
  load(): Promise<StoredCredentials>;
  /** Rejects where `save` could not succeed: to be asked before a token is spent that only `save` can keep. */
  checkWritable(): Promise<void>;
  /** Resolves when the credentials would survive a power cut. A damaged file in their place is kept under another name. */
  save(credentials: Credentials): Promise<void>;
}

/** Tells whether two tokens given by a person are the same, without keeping either. */
export function hashLogin(refreshToken: string): string {
  return createHash('sha256').update(refreshToken).digest('hex');
}

/** True as soon as an account was ever stored, whatever became of it; also when that cannot be told. */
export async function hasHeldAccount(stateDir: string): Promise<boolean> {
  try {
    await access(accountsFolder(stateDir));
    return true;
  } catch (error) {
    return !isMissing(error);
  }
}

export function openCredentials(stateDir: string, now: () => number = Date.now): CredentialsFolder {
  const folder = accountsFolder(stateDir);

  return {
    async load() {
      const accounts: Credentials[] = [];
      const damaged: CredentialsError[] = [];
      for (const name of await listFiles(folder)) {
        try {
          const credentials = await readCredentials(path.join(folder, name));
          if (credentials) accounts.push(credentials);
        } catch (error) {
          if (!(error instanceof CredentialsError)) throw error;
          damaged.push(error);
        }
      }
      return { accounts, damaged };
    },

    async checkWritable() {
      // The folder itself is not made ahead of its first account: that it exists says that there was one.
      await mkdir(stateDir, { recursive: true, mode: 0o700 });
      const existing = (await hasHeldAccount(stateDir)) ? folder : stateDir;
      await access(existing, constants.W_OK);
    },

    async save(credentials) {
      const file = path.join(folder, fileName(credentials.userId));
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await chmod(folder, 0o700);
      await readCredentials(file).catch(() => rename(file, `${file}.damaged-${now()}`));
      await writeFileAtomic(file, formatCredentials(credentials));
      await sweepTemporaries(file, now());
    },
  };
}

function accountsFolder(stateDir: string): string {
  return path.join(stateDir, 'accounts');
}

/** The id comes from the service; nothing in it may lead out of the folder. */
function fileName(userId: string): string {
  return `${/^[\w-]{1,100}$/.test(userId) ? userId : hashLogin(userId)}.json`;
}

async function listFiles(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith('.json') && !name.startsWith('.')).sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw new CredentialsError(folder, `the folder cannot be read (${(error as NodeJS.ErrnoException).code})`, error);
  }
}

async function readCredentials(file: string): Promise<Credentials | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new CredentialsError(file, `it cannot be read (${(error as NodeJS.ErrnoException).code})`, error);
  }
  return parseCredentials(file, text);
}

/** No cause is passed on: the parser's message quotes the text, which holds the tokens. */
function parseCredentials(file: string, text: string): Credentials {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new CredentialsError(file, text.trim() === '' ? 'it is empty' : 'it is no JSON');
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new CredentialsError(file, 'it holds no JSON object');
  }
  const fields: Record<string, unknown> = { ...json };
  const take = (name: keyof Credentials): unknown => {
    const value = fields[name];
    delete fields[name];
    return value;
  };
  const userId = toText(take('userId'));
  const kind = toText(take('kind'));
  const accessToken = toText(take('accessToken'));
  const refreshToken = toText(take('refreshToken'));
  const isUsable = userId && kind && KINDS.includes(kind) && (refreshToken || accessToken);
  if (!isUsable) {
    const newer = Number(fields.version) > VERSION ? ' (a newer version of alidav wrote it)' : '';
    throw new CredentialsError(file, `it lacks the user id, the kind or the tokens of a login${newer}`);
  }
  const refreshedAt = toInstant(take('refreshedAt'));
  const hashes = take('loginHashes');
  return {
    userId,
    kind: kind as TokenKind,
    accessToken,
    accessTokenExpiresAt: toInstant(take('accessTokenExpiresAt')),
    refreshToken,
    previousRefreshToken: toText(take('previousRefreshToken')),
    refreshedAt,
    signedInAt: toInstant(take('signedInAt')) || refreshedAt,
    loginHashes: Array.isArray(hashes) ? hashes.filter((hash) => typeof hash === 'string') : [],
    others: fields,
  };
}

function formatCredentials({ others, ...fields }: Credentials): string {
  const version = Math.max(VERSION, Number(others.version) || 0);
  return `${JSON.stringify({ ...others, version, ...fields }, undefined, 2)}\n`;
}

function toText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function toInstant(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
