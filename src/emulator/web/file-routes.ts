import type { Answer } from '../api-host.ts';
import type { Fields } from '../api-request.ts';
import { apiError } from '../errors.ts';
import { entryLinks, punishedUrl, streamLinks } from '../file-links.ts';
import { folderSource, listPage } from '../listing.ts';
import { below, chainOf, requestedDrive, requestedEntry, requestedFile, requestedFolder } from '../lookup.ts';
import { categoryOf } from '../media-type.ts';
import { searchPage } from '../search.ts';
import { type StoredEntry, sizeOf } from '../store/entry.ts';
import { sortEntries } from '../store/order.ts';
import { findByPath } from '../store/tree.ts';
import type { World } from '../world.ts';
import { isoTime, punishFlag, webEntryJson, webGotEntryJson, webHashes } from './entry-json.ts';

export interface FileRoutes {
  readonly list: Answer;
  readonly get: Answer;
  readonly getByPath: Answer;
  readonly getPath: Answer;
  readonly folderSize: Answer;
  readonly search: Answer;
  readonly downloadUrl: Answer;
  readonly walk: Answer;
  readonly scan: Answer;
}

const MAX_LIST_LIMIT = 200;
const MAX_SEARCH_LIMIT = 100;
const MAX_WALK_LIMIT = 1000;
const DEFAULT_EXPIRE_SEC = 900;
const MAX_EXPIRE_SEC = 14_400;

/** Reading metadata and asking for links; every answer is also a part that a batch may hold. */
export function fileRoutes(world: World): FileRoutes {
  return {
    list: ({ fields, header, login }) => {
      const folder = requestedFolder(world, 'web', fields);
      const limit = fields.integer('limit', 50);
      if (limit > MAX_LIST_LIMIT) throw apiError('web', 'InvalidParameter.Limit');
      const expireSec = urlExpireSec(fields);
      const withDownloadUrl = header('x-canary') !== undefined;
      const page = listPage(world.settings, fields, {
        dialect: 'web',
        source: folderSource(world.store, folder),
        limit: Math.max(1, limit),
        includes: listFilter(fields),
      });
      return {
        items: page.entries.map((entry) =>
          webEntryJson(entry, entryLinks(world, entry, login, expireSec, withDownloadUrl)),
        ),
        next_marker: page.nextMarker,
        punished_file_count: page.entries.filter((entry) => entry.punishment !== undefined).length,
      };
    },
    walk: ({ fields }) => walkPage(world, fields, requestedFolder(world, 'web', fields)),
    scan: ({ fields }) => walkPage(world, fields, world.store.root(requestedDrive(world, 'web', fields))),
    get: ({ fields, login }) => {
      const entry = requestedEntry(world, 'web', fields);
      return webGotEntryJson(entry, entryLinks(world, entry, login, urlExpireSec(fields), true));
    },
    getByPath: ({ fields }) => {
      const driveId = requestedDrive(world, 'web', fields);
      const path = fields.text('file_path');
      // The service does not resolve odd blanks reliably, so that clients must not rely on it here either.
      const entry = /(^|\/) | (\/|$)| {2}/.test(path) ? undefined : findByPath(world.store, driveId, path);
      if (!entry) throw apiError('web', 'NotFound.File');
      return webEntryJson(entry);
    },
    getPath: ({ fields }) => ({
      items: chainOf(world, requestedEntry(world, 'web', fields)).map((entry) => webEntryJson(entry)),
    }),
    folderSize: ({ fields }) => {
      const info = { size: 0, folder_count: 0, file_count: 0, reach_limit: false };
      const folder = requestedEntry(world, 'web', fields);
      if (folder.type !== 'folder') throw apiError('web', 'InvalidResource.ParentFileId');
      for (const entry of below(world, folder)) {
        info.size += sizeOf(entry);
        info[entry.type === 'folder' ? 'folder_count' : 'file_count'] += 1;
      }
      return info;
    },
    search: ({ fields }) => {
      const { entries, nextMarker, totalCount } = searchPage(world, 'web', fields, MAX_SEARCH_LIMIT);
      return { items: entries.map((entry) => webEntryJson(entry)), next_marker: nextMarker, total_count: totalCount };
    },
    downloadUrl: ({ fields, login }) => {
      const entry = requestedFile(world, 'web', fields);
      const expireSec = fields.integer('expire_sec', DEFAULT_EXPIRE_SEC);
      if (expireSec > MAX_EXPIRE_SEC) throw apiError('web', 'InvalidParameter.ExpireSec');
      const fileName = fields.optionalText('file_name');
      const link = world.links.sign({ entry, kind: login, expireSec, ...(fileName && { fileName }) });
      return {
        domain_id: 'bj29',
        drive_id: entry.driveId,
        file_id: entry.fileId,
        revision_id: entry.revisionId,
        method: 'GET',
        url: entry.streams ? '' : (punishedUrl(world, entry) ?? link.url),
        internal_url: 'http://ccp-bj29-bj-1592982087.oss-cn-beijing-internal.aliyuncs.com/x',
        cdn_url: '',
        expiration: isoTime(link.expiresAt),
        size: sizeOf(entry),
        ratelimit: { part_speed: -1, part_size: -1 },
        ...webHashes(entry),
        punish_flag: punishFlag(entry),
        meta_name_punish_flag: 0,
        ...(entry.streams && { streams_url: streamLinks(world, entry, login, expireSec) }),
      };
    },
  };
}

/** Everything below a folder, page by page. */
function walkPage(world: World, fields: Fields, folder: StoredEntry): Record<string, unknown> {
  const limit = fields.integer('limit', 50);
  if (limit > MAX_WALK_LIMIT) throw apiError('web', 'InvalidParameter.Limit');
  const includes = listFilter(fields);
  const entries = [...below(world, folder)];
  const page = listPage(world.settings, fields, {
    dialect: 'web',
    source: { id: `${folder.fileId} walk`, list: (order) => sortEntries(entries, order) },
    limit: Math.max(1, limit),
    includes,
  });
  return {
    items: page.entries.map((entry) => webEntryJson(entry)),
    next_marker: page.nextMarker,
    ...(fields.all.return_total_count === true && { total_count: entries.filter(includes).length }),
  };
}

function urlExpireSec(fields: Fields): number {
  return Math.min(MAX_EXPIRE_SEC, Math.max(10, fields.integer('url_expire_sec', DEFAULT_EXPIRE_SEC)));
}

function listFilter(fields: Fields): (entry: StoredEntry) => boolean {
  const type = fields.optionalText('type');
  const category = fields.optionalText('category');
  const { starred } = fields.all;
  return (entry) =>
    (type === undefined || entry.type === type) &&
    (category === undefined || (entry.type === 'file' && categoryOf(entry.name) === category)) &&
    (typeof starred !== 'boolean' || entry.starred === starred);
}
