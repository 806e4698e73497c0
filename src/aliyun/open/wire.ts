import type { Endpoint } from '../api-client.ts';
import type { Dialect } from '../dialect.ts';
import { toObject } from '../json.ts';
import type { Rates } from '../pacer.ts';
import { parseAccount, parseItems, toWireKey } from '../wire.ts';

/** Just below what is documented (4, 1 and 15 a second for a user of an app), because clocks and networks wobble. */
export const OPEN_RATES: Rates = { list: 3.9, link: 0.9, other: 14.9 };

const DRIVE_INFO: Endpoint = { path: '/adrive/v1.0/user/getDriveInfo', paceClass: 'other', effect: 'read' };

/** The official API of openapi.aliyundrive.com. */
export const OPEN_DIALECT: Dialect = {
  list: { path: '/adrive/v1.0/openFile/list', paceClass: 'list', effect: 'read', hasBare400: true },
  get: { path: '/adrive/v1.0/openFile/get', paceClass: 'other', effect: 'read' },
  link: { path: '/adrive/v1.0/openFile/getDownloadUrl', paceClass: 'link', effect: 'read' },
  quota: { path: '/adrive/v1.0/user/getSpaceInfo', paceClass: 'other', effect: 'read' },
  batch: { path: '/adrive/v1.0/openFile/batch/get', paceClass: 'other', effect: 'read' },
  toBatchBody: (keys) => ({ file_list: keys.map(toWireKey) }),
  parseBatch: parseItems,
  // An ordinary app gets this much whatever it asks for.
  linkLifeS: 900,
  streamLinksField: 'streamsUrl',
  async fetchAccount(api, signal) {
    return parseAccount(toObject(await api.call(DRIVE_INFO, {}, signal)));
  },
};
