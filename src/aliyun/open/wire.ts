import type { Endpoint } from '../api-client.ts';
import type { Dialect, WriteDialect } from '../dialect.ts';
import { toObject } from '../json.ts';
import type { Rates } from '../pacer.ts';
import { parseAccount, parseItems, toWireKey } from '../wire.ts';
import { OpenMoves } from './open-moves.ts';

/** Just below what is documented (4, 1 and 15 a second for a user of an app), because clocks and networks wobble. */
export const OPEN_RATES: Rates = { list: 3.9, link: 0.9, other: 14.9 };

const DRIVE_INFO: Endpoint = { path: '/adrive/v1.0/user/getDriveInfo', paceClass: 'other', effect: 'read' };

const FILES = '/adrive/v1.0/openFile';

const WRITING: WriteDialect = {
  create: { path: `${FILES}/create`, paceClass: 'other', effect: 'write' },
  uploadUrls: { path: `${FILES}/getUploadUrl`, paceClass: 'other', effect: 'read', isUnshared: true },
  uploadedParts: { path: `${FILES}/listUploadedParts`, paceClass: 'other', effect: 'read', isUnshared: true },
  complete: { path: `${FILES}/complete`, paceClass: 'other', effect: 'write' },
  update: { path: `${FILES}/update`, paceClass: 'other', effect: 'write' },
  move: { path: `${FILES}/move`, paceClass: 'other', effect: 'write' },
  copy: { path: `${FILES}/copy`, paceClass: 'other', effect: 'write' },
  trash: { path: `${FILES}/recyclebin/trash`, paceClass: 'other', effect: 'write', mayBeEmpty: true },
  delete: { path: `${FILES}/delete`, paceClass: 'other', effect: 'write', mayBeEmpty: true },
  task: { path: `${FILES}/async_task/get`, paceClass: 'other', effect: 'read', isUnshared: true },
  across: undefined,
  replacingMode: 'ignore',
  uploadedPartsFields: {},
  deleteFields: {},
  toCopyFields: () => ({}),
  createMoves: (deps) => new OpenMoves(deps),
};

/** The official API of openapi.aliyundrive.com. */
export const OPEN_DIALECT: Dialect = {
  list: { path: `${FILES}/list`, paceClass: 'list', effect: 'read', hasBare400: true },
  get: { path: `${FILES}/get`, paceClass: 'other', effect: 'read' },
  link: { path: `${FILES}/getDownloadUrl`, paceClass: 'link', effect: 'read' },
  quota: { path: '/adrive/v1.0/user/getSpaceInfo', paceClass: 'other', effect: 'read' },
  batch: { path: `${FILES}/batch/get`, paceClass: 'other', effect: 'read' },
  toBatchBody: (keys) => ({ file_list: keys.map(toWireKey) }),
  parseBatch: parseItems,
  // An ordinary app gets this much whatever it asks for.
  linkLifeS: 900,
  streamLinksField: 'streamsUrl',
  async fetchAccount(api, signal) {
    return parseAccount(toObject(await api.call(DRIVE_INFO, {}, signal)));
  },
  writing: WRITING,
};
