import type { Answer } from '../api-host.ts';
import type { Fields } from '../api-request.ts';
import { apiError } from '../errors.ts';
import { previewUrl, punishedUrl, streamLinks } from '../file-links.ts';
import { folderSource, listPage } from '../listing.ts';
import { below, chainOf, requestedDrive, requestedEntry, requestedFile, requestedFolder } from '../lookup.ts';
import { categoryOf } from '../media-type.ts';
import { searchPage } from '../search.ts';
import { type StoredEntry, sizeOf } from '../store/entry.ts';
import { findByPath } from '../store/tree.ts';
import { streamsInfo } from '../streams-info.ts';
import type { World } from '../world.ts';
import { openEntryJson } from './entry-json.ts';

interface FileRoutes {
  readonly list: Answer;
  readonly search: Answer;
  readonly starred: Answer;
  readonly get: Answer;
  readonly getByPath: Answer;
  readonly batchGet: Answer;
  readonly downloadUrl: Answer;
}

const DOCUMENTED_LIMIT = 100;
const CLAMPED_LIMIT = 200;
const MOST_BATCHED = 100;
const EXPIRE_SEC = 900;
const APPROVED_EXPIRE_SEC = 14_400;
/** A list shows a direct link for smaller files alone. */
const LINKED_BYTES = 5 * 2 ** 20;

/** Reading metadata and asking for links. */
export function fileRoutes(world: World): FileRoutes {
  const toJson = (entry: StoredEntry) => openEntryJson(entry, listedUrl(world, entry));
  const got = (entry: StoredEntry) => ({
    ...toJson(entry),
    ...(entry.streams && { streams_info: streamsInfo(entry) }),
  });
  return {
    list: ({ fields }) => {
      const folder = requestedFolder(world, 'open', fields);
      const page = listPage(world.settings, fields, {
        dialect: 'open',
        source: folderSource(world.store, folder),
        limit: listLimit(world, fields),
        includes: listFilter(fields),
      });
      return { items: page.entries.map(toJson), next_marker: page.nextMarker };
    },
    search: ({ fields }) => {
      const { entries, nextMarker, totalCount } = searchPage(world, 'open', fields, DOCUMENTED_LIMIT);
      return { items: entries.map(toJson), next_marker: nextMarker, total_count: totalCount };
    },
    starred: ({ fields }) => {
      const driveId = requestedDrive(world, 'open', fields);
      const includes = listFilter(fields);
      const starred = [...below(world, world.store.root(driveId))].filter((entry) => entry.starred && includes(entry));
      return { items: starred.map(toJson), next_marker: '' };
    },
    get: ({ fields }) => {
      const entry = requestedEntry(world, 'open', fields);
      const wanted = fields.optionalText('fields') ?? '';
      const chain = ['root', ...chainOf(world, entry).reverse()];
      const join = (part: (item: StoredEntry) => string) =>
        chain.map((item) => (typeof item === 'string' ? item : part(item))).join('/');
      return {
        ...got(entry),
        ...(wanted.includes('id_path') && { id_path: join((item) => item.fileId) }),
        ...(wanted.includes('name_path') && { name_path: join((item) => item.name) }),
      };
    },
    getByPath: ({ fields }) => {
      const entry = findByPath(world.store, requestedDrive(world, 'open', fields), fields.text('file_path'));
      if (!entry) throw apiError('open', 'NotFound.File');
      return toJson(entry);
    },
    batchGet: ({ fields }) => {
      const keys = fields.objects('file_list', MOST_BATCHED);
      const entries = keys.map((key) => world.store.find(requestedDrive(world, 'open', key), key.text('file_id')));
      return { items: entries.filter((entry) => entry !== undefined).map(got) };
    },
    downloadUrl: ({ fields }) => {
      const entry = requestedFile(world, 'open', fields);
      // An ordinary application gets 15 minutes whatever it asks.
      const asked = world.settings.approvedApp ? fields.integer('expire_sec', EXPIRE_SEC) : EXPIRE_SEC;
      const expireSec = Math.min(asked, APPROVED_EXPIRE_SEC);
      const link = world.links.sign({ entry, kind: 'open', expireSec });
      const hash = entry.content?.digests()?.sha1;
      return {
        domain_id: 'bj29',
        drive_id: entry.driveId,
        file_id: entry.fileId,
        method: 'GET',
        size: sizeOf(entry),
        url: entry.streams ? '' : (punishedUrl(world, entry) ?? link.url),
        expiration: new Date(link.expiresAt).toISOString(),
        ...(hash && { content_hash: hash, content_hash_name: 'sha1' }),
        description: '',
        ...(entry.streams && { streamsUrl: streamLinks(world, entry, 'open', expireSec) }),
      };
    },
  };
}

/** For small files alone, and a smaller copy for pictures. */
export function listedUrl(world: World, entry: StoredEntry): string | undefined {
  if (entry.type === 'folder' || entry.streams || entry.uploadingBytes !== undefined) return undefined;
  const preview = previewUrl(world, entry, 'open', EXPIRE_SEC);
  if (preview !== undefined || sizeOf(entry) >= LINKED_BYTES) return preview;
  return punishedUrl(world, entry) ?? world.links.sign({ entry, kind: 'open', expireSec: EXPIRE_SEC }).url;
}

function listLimit(world: World, fields: Fields): number {
  const limit = fields.integer('limit', 50);
  if (limit > DOCUMENTED_LIMIT && world.settings.openListLimit === 'reject') {
    throw apiError(
      'open',
      'InvalidParameter.Limit',
      'The input parameter limit is not valid. limit should be less than 100',
    );
  }
  return Math.min(Math.max(1, limit), CLAMPED_LIMIT);
}

function listFilter(fields: Fields): (entry: StoredEntry) => boolean {
  const type = fields.oneOf('type', ['all', 'file', 'folder'], 'all');
  // Ignored when only folders are asked for.
  const categories = type === 'folder' ? undefined : fields.optionalText('category')?.split(',');
  return (entry) =>
    (type === 'all' || entry.type === type) &&
    (!categories || (entry.type === 'file' && categories.includes(categoryOf(entry.name))));
}
