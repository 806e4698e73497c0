import type { AccountInfo } from '../../drive/drive.ts';
import type { ApiClient, Endpoint } from '../api-client.ts';
import type { Dialect, WriteDialect } from '../dialect.ts';
import { isObject, readId, toObject } from '../json.ts';
import type { Rates } from '../pacer.ts';
import { parseAccount, parseItems, toWireKey } from '../wire.ts';
import { WebMoves } from './web-moves.ts';

/**
 * Nothing is published for this API. Its page scrolls through folders faster than the open API allows, so listing may be
 * brisker; links are what it throttles first, and sustained high rates have cost people their accounts. All else keeps to
 * what is documented for the open API, which is the same service.
 */
export const WEB_RATES: Rates = { list: 8, link: 4, other: 14.9 };

/** What the page sends with every call. Without the canary, lists may lack links and shares are throttled harder. */
export const WEB_HEADERS: Readonly<Record<string, string>> = {
  Origin: 'https://www.aliyundrive.com',
  Referer: 'https://www.aliyundrive.com/',
  'x-canary': 'client=web,app=adrive,version=v4.1.0',
};

const USER: Endpoint = { path: '/v2/user/get', paceClass: 'other', effect: 'read' };
const DEFAULT_DRIVE: Endpoint = { path: '/v2/drive/get_default_drive', paceClass: 'other', effect: 'read' };

const WRITING: WriteDialect = {
  create: { path: '/adrive/v2/file/createWithFolders', paceClass: 'other', effect: 'write' },
  uploadUrls: { path: '/v2/file/get_upload_url', paceClass: 'other', effect: 'read', isUnshared: true },
  uploadedParts: { path: '/v2/file/list_uploaded_parts', paceClass: 'other', effect: 'read', isUnshared: true },
  complete: { path: '/v2/file/complete', paceClass: 'other', effect: 'write' },
  update: { path: '/v3/file/update', paceClass: 'other', effect: 'write' },
  move: { path: '/v3/file/move', paceClass: 'other', effect: 'write' },
  copy: { path: '/v2/file/copy', paceClass: 'other', effect: 'write' },
  trash: { path: '/v2/recyclebin/trash', paceClass: 'other', effect: 'write', mayBeEmpty: true },
  delete: { path: '/v3/file/delete', paceClass: 'other', effect: 'write', mayBeEmpty: true },
  task: { path: '/v2/async_task/get', paceClass: 'other', effect: 'read', isUnshared: true },
  across: {
    copy: { path: '/adrive/v2/file/crossDriveCopy', paceClass: 'other', effect: 'write' },
    move: { path: '/adrive/v2/file/crossDriveMove', paceClass: 'other', effect: 'write' },
  },
  replacingMode: 'overwrite',
  uploadedPartsFields: { limit: 100 },
  deleteFields: { permanently: true },
  toCopyFields: (name) => ({ new_name: name }),
  createMoves: (deps) => new WebMoves(deps),
};

/** The API of api.aliyundrive.com, with tokens of the page and of the app. */
export const WEB_DIALECT: Dialect = {
  list: { path: '/adrive/v3/file/list', paceClass: 'list', effect: 'read', hasBare400: true },
  get: { path: '/v2/file/get', paceClass: 'other', effect: 'read' },
  link: { path: '/v2/file/get_download_url', paceClass: 'link', effect: 'read' },
  quota: { path: '/v2/databox/get_personal_info', paceClass: 'other', effect: 'read' },
  batch: { path: '/adrive/v2/batch', paceClass: 'other', effect: 'read' },
  toBatchBody: (keys) => ({
    requests: keys.map((key) => ({
      id: key.id,
      method: 'POST',
      url: '/file/get',
      headers: { 'Content-Type': 'application/json' },
      body: toWireKey(key),
    })),
    resource: 'file',
  }),
  parseBatch: parseResponses,
  linkLifeS: 14_400,
  streamLinksField: 'streams_url',
  fetchAccount,
  writing: WRITING,
};

/** The outer call is 200 even when every part of it fails. */
function parseResponses(json: unknown): readonly unknown[] {
  return parseItems({ items: toObject(json).responses }).flatMap((response) =>
    isObject(response) && response.status === 200 ? [response.body] : [],
  );
}

/** Older answers lack drives, which another call tells; it costs a second one then. */
async function fetchAccount(api: ApiClient, signal?: AbortSignal): Promise<AccountInfo> {
  const user = toObject(await api.call(USER, {}, signal));
  if (readId(user, 'user_id') !== undefined && readId(user, 'default_drive_id') !== undefined)
    return parseAccount(user);
  const drive = toObject(await api.call(DEFAULT_DRIVE, {}, signal));
  return parseAccount({
    ...user,
    user_id: readId(user, 'user_id') ?? drive.owner,
    default_drive_id: readId(user, 'default_drive_id') ?? drive.drive_id,
  });
}
