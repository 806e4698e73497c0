import { afterEach } from 'vitest';
import { type Emulator, type EmulatorOptions, startEmulator } from '../../../src/emulator/emulator.ts';
import type { LoginKind } from '../../../src/emulator/tokens.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Of a JSON body; the tests say by their expectations what it holds. */
  // biome-ignore lint/suspicious/noExplicitAny: an answer of the emulator is what these tests examine
  readonly json: any;
}

export type Post = (path: string, body?: unknown, headers?: Readonly<Record<string, string>>) => Promise<Answer>;

const running: Emulator[] = [];

afterEach(async () => {
  for (const emulator of running.splice(0)) await emulator.close();
});

/** An emulator that ends with its test; empty unless told otherwise. */
export async function start(options: EmulatorOptions = {}): Promise<Emulator> {
  const emulator = await startEmulator({ content: 'empty', ...options });
  running.push(emulator);
  return emulator;
}

export async function call(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: response.status, headers: response.headers, text, json };
}

export function poster(baseUrl: string, ownHeaders: Readonly<Record<string, string>> = {}): Post {
  return (path, body = {}, headers = {}) =>
    call(baseUrl + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...ownHeaders, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
}

export const DEVICE = { 'x-device-id': 'd'.repeat(32), 'x-signature': `${'ab'.repeat(64)}01` };
export const PUBLIC_KEY = `04${'1f'.repeat(64)}`;

/** Spends the refresh token of a kind at its endpoint. */
export function refresh(emulator: Emulator, kind: LoginKind, token = emulator.refreshTokens[kind]): Promise<Answer> {
  if (kind === 'page') return poster(emulator.apiUrl)('/token/refresh', { refresh_token: token });
  const grant = { grant_type: 'refresh_token', refresh_token: token };
  if (kind === 'app') return poster(emulator.authUrl)('/v2/account/token', grant);
  const { id, secret } = emulator.client;
  return poster(emulator.openUrl)('/oauth/access_token', { ...grant, client_id: id, client_secret: secret });
}

/** A signed-in caller of the kind's API; web callers have a registered device. */
export async function signIn(emulator: Emulator, kind: LoginKind): Promise<Post> {
  const { json } = await refresh(emulator, kind);
  const authorization = { Authorization: `Bearer ${json.access_token}` };
  if (kind === 'open') return poster(emulator.openUrl, authorization);
  const post = poster(emulator.apiUrl, { ...authorization, ...DEVICE });
  await post('/users/v1/users/device/create_session', {
    deviceName: 'Chrome',
    modelName: 'Windows',
    pubKey: PUBLIC_KEY,
  });
  return post;
}

/** The link to a file's bytes. */
export async function linkTo(
  post: Post,
  kind: LoginKind,
  entry: { readonly driveId: string; readonly fileId: string },
): Promise<string> {
  const path = kind === 'open' ? '/adrive/v1.0/openFile/getDownloadUrl' : '/v2/file/get_download_url';
  const { json } = await post(path, { drive_id: entry.driveId, file_id: entry.fileId });
  return json.url;
}
