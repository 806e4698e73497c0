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

/** Where each dialect does what it does; no other difference is hidden. */
const WRITE_PATHS = {
  web: {
    create: '/adrive/v2/file/createWithFolders',
    uploadUrl: '/v2/file/get_upload_url',
    parts: '/v2/file/list_uploaded_parts',
    complete: '/v2/file/complete',
    update: '/v3/file/update',
    move: '/v3/file/move',
    copy: '/v2/file/copy',
    trash: '/v2/recyclebin/trash',
    remove: '/v3/file/delete',
    task: '/v2/async_task/get',
    get: '/v2/file/get',
    list: '/adrive/v3/file/list',
  },
  open: {
    create: '/adrive/v1.0/openFile/create',
    uploadUrl: '/adrive/v1.0/openFile/getUploadUrl',
    parts: '/adrive/v1.0/openFile/listUploadedParts',
    complete: '/adrive/v1.0/openFile/complete',
    update: '/adrive/v1.0/openFile/update',
    move: '/adrive/v1.0/openFile/move',
    copy: '/adrive/v1.0/openFile/copy',
    trash: '/adrive/v1.0/openFile/recyclebin/trash',
    remove: '/adrive/v1.0/openFile/delete',
    task: '/adrive/v1.0/openFile/async_task/get',
    get: '/adrive/v1.0/openFile/get',
    list: '/adrive/v1.0/openFile/list',
  },
} as const;

export type WriteDialect = keyof typeof WRITE_PATHS;
export const DIALECTS: readonly WriteDialect[] = ['web', 'open'];

export interface Writer {
  readonly dialect: WriteDialect;
  /** Of every call; proofs are made from it. */
  readonly accessToken: string;
  /** What `driveId` names unless a call says otherwise. */
  readonly driveId: string;
  readonly post: Post;
  readonly do: (what: keyof (typeof WRITE_PATHS)['web'], body: Readonly<Record<string, unknown>>) => Promise<Answer>;
  /** Of the root unless told otherwise; web and open answer it with 201 and 200. */
  readonly create: (fields: Readonly<Record<string, unknown>>) => Promise<Answer>;
  readonly names: (parentId?: string) => Promise<string[]>;
}

/** A caller that changes the backup drive; the emulator must not check devices. */
export function writer(emulator: Emulator, dialect: WriteDialect): Writer {
  const { accessToken } = emulator.tokens.issueAccessToken(dialect === 'web' ? 'page' : 'open');
  const baseUrl = dialect === 'web' ? emulator.apiUrl : emulator.openUrl;
  const post = poster(baseUrl, { Authorization: `Bearer ${accessToken}` });
  const driveId = emulator.drives.backup;
  const perform: Writer['do'] = (what, body) => post(WRITE_PATHS[dialect][what], { drive_id: driveId, ...body });
  return {
    dialect,
    accessToken,
    driveId,
    post,
    do: perform,
    create: (fields) =>
      perform('create', {
        parent_file_id: 'root',
        name: 'a.txt',
        type: 'file',
        check_name_mode: 'refuse',
        ...(fields.type !== 'folder' && { size: 13, part_info_list: [{ part_number: 1 }] }),
        ...fields,
      }),
    names: async (parentId = 'root') => {
      const { json } = await perform('list', { parent_file_id: parentId, order_by: 'name', order_direction: 'ASC' });
      return json.items.map((item: { name: string }) => item.name);
    },
  };
}

export function putPart(
  url: string,
  data: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  // Text would bring a Content-Type with it.
  return call(url, { method: 'PUT', body: typeof data === 'string' ? Buffer.from(data) : data, headers });
}

/** A whole upload in as many parts as given. */
export async function upload(
  caller: Writer,
  fields: Readonly<Record<string, unknown>>,
  ...parts: readonly (string | Uint8Array)[]
): Promise<Answer> {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const list = parts.map((_part, index) => ({ part_number: index + 1 }));
  const { json } = await caller.create({ size, part_info_list: list, ...fields });
  for (const [index, part] of parts.entries()) await putPart(json.part_info_list[index].upload_url, part);
  return caller.do('complete', { file_id: json.file_id, upload_id: json.upload_id });
}

export const codeOf = (xml: string): string => /<Code>(.*?)<\/Code>/.exec(xml)?.[1] ?? '';
