import type { Quota } from '../drive/drive.ts';
import type { TreeNode } from '../tree/node.ts';
import { contentTypeOf } from './content-type.ts';
import { createDateFormats } from './date-formats.ts';
import { findContentLength, formatETag } from './etag.ts';
import { formatLockDiscovery, NO_SUPPORTED_LOCK, SUPPORTED_LOCK } from './lock-xml.ts';
import type { Lock } from './locks.ts';
import { modifiedAtOf, type PropertyRecord } from './properties.ts';
import { DAV_NAMESPACE, escapeXml, formatKey, type QName } from './xml.ts';

export const OWNCLOUD_NAMESPACE = 'http://owncloud.org/ns';
const FASTMAIL_NAMESPACE = 'ME:';

export interface LiveProperty extends QName {
  /** The name with the prefix that the multistatus declares. */
  readonly tag: string;
  /** Comes without being named (RFC 4918 §9.1), to the client that asks. */
  readonly inAllprop: boolean;
  /** The whole element, or an empty string where the resource has no such property. */
  render(node: TreeNode, known: Known): string;
}

/** What we keep about a resource, besides what the drive says of it. */
export interface Known {
  readonly record: PropertyRecord | undefined;
  /** Those that cover it. */
  readonly locks: readonly Lock[];
}

export const NOTHING_KNOWN: Known = { record: undefined, locks: [] };

export interface LivePropertiesDeps {
  readonly quota: Quota | undefined;
  /** The instant of the answer, epoch ms. */
  readonly at: number;
  /** The class of the client that asks, by its name. */
  readonly client?: string | undefined;
  /** Whether clients may lock what is served. Default: they may. */
  readonly isLockable?: boolean;
}

/** What a name says of the one node that has none: the root. */
const ROOT_DISPLAY_NAME = 'AliyunDrive';

/** The properties that the server computes, for the rendering of one answer. */
export function createLiveProperties({
  quota,
  at,
  client,
  isLockable = true,
}: LivePropertiesDeps): readonly LiveProperty[] {
  const dates = createDateFormats();
  // Windows refuses a listing of more than 1 MB, and these two would be a third of it: it is given them when it names them.
  const tellsLocks = client !== 'windows';
  return [
    dav('resourcetype', ({ entry }) =>
      entry.kind === 'folder' ? '<D:resourcetype><D:collection/></D:resourcetype>' : '<D:resourcetype/>',
    ),
    dav('displayname', ({ name }) => `<D:displayname>${escapeXml(name || ROOT_DISPLAY_NAME)}</D:displayname>`),
    // Infuse takes a collection that has a length for a file.
    dav('getcontentlength', ({ entry }) => {
      const length = entry.kind === 'file' ? findContentLength(entry) : undefined;
      return length === undefined ? '' : `<D:getcontentlength>${length}</D:getcontentlength>`;
    }),
    dav('getlastmodified', ({ entry }, { record }) => {
      const date = dates.formatHttpDate(modifiedAtOf(entry, record));
      return date === undefined ? '' : `<D:getlastmodified>${date}</D:getlastmodified>`;
    }),
    dav('creationdate', ({ entry }) => {
      const date = dates.formatIsoDate(entry.createdAt);
      return date === undefined ? '' : `<D:creationdate>${date}</D:creationdate>`;
    }),
    // A folder's own times do not follow its children, and a tag that stays would tell a sync program to look no deeper.
    dav('getetag', ({ entry }) => (entry.kind === 'file' ? `<D:getetag>${formatETag(entry)}</D:getetag>` : '')),
    dav('getcontenttype', (node) =>
      node.entry.kind === 'file'
        ? `<D:getcontenttype>${escapeXml(contentTypeOf(node))}</D:getcontenttype>`
        : '<D:getcontenttype>httpd/unix-directory</D:getcontenttype>',
    ),
    { ...dav('supportedlock', () => (isLockable ? SUPPORTED_LOCK : NO_SUPPORTED_LOCK)), inAllprop: tellsLocks },
    { ...dav('lockdiscovery', (_node, { locks }) => formatLockDiscovery(locks, at)), inAllprop: tellsLocks },
    // RFC 4331 §2: not part of allprop, for they can be costly.
    named('quota-available-bytes', ({ entry }) => {
      if (entry.kind !== 'folder' || quota?.totalBytes === undefined) return '';
      const available = Math.max(0, quota.totalBytes - quota.usedBytes);
      return `<D:quota-available-bytes>${available}</D:quota-available-bytes>`;
    }),
    named('quota-used-bytes', ({ entry }) =>
      entry.kind === 'folder' && quota ? `<D:quota-used-bytes>${quota.usedBytes}</D:quota-used-bytes>` : '',
    ),
    {
      namespace: OWNCLOUD_NAMESPACE,
      name: 'checksums',
      tag: 'oc:checksums',
      inAllprop: false,
      render: ({ entry: { contentHash } }) =>
        contentHash ? `<oc:checksums><oc:checksum>SHA1:${contentHash.toLowerCase()}</oc:checksum></oc:checksums>` : '',
    },
    // rclone asks a server of the vendor `fastmail` for all properties and looks for this one among them.
    {
      namespace: FASTMAIL_NAMESPACE,
      name: 'sha1hex',
      tag: `sha1hex xmlns="${FASTMAIL_NAMESPACE}"`,
      inAllprop: client === 'rclone',
      render: ({ entry: { contentHash } }) =>
        contentHash ? `<sha1hex xmlns="${FASTMAIL_NAMESPACE}">${contentHash.toLowerCase()}</sha1hex>` : '',
    },
  ];
}

/** Whether the name is one of those whose values `createLiveProperties` takes from the quota. */
export function isQuotaProperty({ namespace, name }: QName): boolean {
  return namespace === DAV_NAMESPACE && name.startsWith('quota-');
}

/** Names that a client can neither set nor remove. */
export const PROTECTED_NAMES: ReadonlySet<string> = new Set(
  createLiveProperties({ quota: undefined, at: 0 }).map(formatKey),
);

function dav(name: string, render: LiveProperty['render']): LiveProperty {
  return { namespace: DAV_NAMESPACE, name, tag: `D:${name}`, inAllprop: true, render };
}

function named(name: string, render: LiveProperty['render']): LiveProperty {
  return { ...dav(name, render), inAllprop: false };
}
