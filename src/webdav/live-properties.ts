import type { Quota } from '../drive/drive.ts';
import type { TreeNode } from '../tree/node.ts';
import { contentTypeOf } from './content-type.ts';
import { createDateFormats } from './date-formats.ts';
import { findContentLength, formatETag } from './etag.ts';
import { DAV_NAMESPACE, escapeXml, type QName } from './xml.ts';

export const OWNCLOUD_NAMESPACE = 'http://owncloud.org/ns';

export interface LiveProperty extends QName {
  /** The name with the prefix that the multistatus declares. */
  readonly tag: string;
  /** Comes without being named (RFC 4918 §9.1). */
  readonly inAllprop: boolean;
  /** The whole element, or an empty string where the resource has no such property. */
  render(node: TreeNode): string;
}

/** What a name says of the one node that has none: the root. */
const ROOT_DISPLAY_NAME = 'AliyunDrive';

/** The properties that the server computes, for the rendering of one answer. */
export function createLiveProperties(quota: Quota | undefined): readonly LiveProperty[] {
  const dates = createDateFormats();
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
    dav('getlastmodified', ({ entry }) => {
      const date = dates.formatHttpDate(entry.updatedAt);
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
    dav('supportedlock', () => '<D:supportedlock/>'),
    dav('lockdiscovery', () => '<D:lockdiscovery/>'),
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
  ];
}

/** Whether the name is one of those whose values `createLiveProperties` takes from the quota. */
export function isQuotaProperty({ namespace, name }: QName): boolean {
  return namespace === DAV_NAMESPACE && name.startsWith('quota-');
}

function dav(name: string, render: (node: TreeNode) => string): LiveProperty {
  return { namespace: DAV_NAMESPACE, name, tag: `D:${name}`, inAllprop: true, render };
}

function named(name: string, render: (node: TreeNode) => string): LiveProperty {
  return { ...dav(name, render), inAllprop: false };
}
