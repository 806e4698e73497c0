import { describe, expect, it, vi } from 'vitest';
import type { EmulatorOptions } from '../../src/emulator/emulator.ts';
import type { FaultAction } from '../../src/emulator/faults.ts';
import { LOGIN_KINDS, type LoginKind, type Stack, startStack } from '../support/stack.ts';
import { ask, propfind, readRows } from './requests.ts';

vi.setConfig({ maxConcurrency: 8, testTimeout: 60_000 });

const STREAM = { 'User-Agent': 'davfs2/1.7.0' };
const QUOTA_BODY =
  '<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:prop><D:quota-used-bytes/><D:quota-available-bytes/></D:prop></D:propfind>';
const LIST = ['/adrive/v3/file/list', '/adrive/v1.0/openFile/list'];
const LINK = ['/v2/file/get_download_url', '/adrive/v1.0/openFile/getDownloadUrl'];
const ACCOUNT = ['/v2/user/get', '/adrive/v1.0/user/getDriveInfo'];
const TOKEN = ['/token/refresh', '/v2/account/token', '/oauth/access_token'];
const QUOTA = ['/v2/databox/get_personal_info', '/adrive/v1.0/user/getSpaceInfo'];
const FILES = 230;
const DAY_MS = 86_400_000;

async function withStack(
  kind: LoginKind,
  emulator: EmulatorOptions,
  test: (stack: Stack) => Promise<void>,
  faults: (stack: Stack) => void = () => {},
): Promise<void> {
  const stack = await startStack({ kind, emulator, env: { ALIDAV_DRIVE: 'all' } });
  try {
    const { store, drives } = stack.emulator;
    for (const driveId of [drives.backup, drives.resource]) {
      const root = store.root(driveId);
      for (let index = 0; index < FILES; index++) {
        // Folders and files take turns, and many were made in one millisecond.
        const createdAt = Date.UTC(2024, 0) + Math.floor(index / 7) * DAY_MS;
        if (index % 5 === 0) store.addFolder(root, `folder ${index}`, { createdAt });
        else store.addFile(root, `file ${index}.txt`, `${driveId} ${index}`, { createdAt });
      }
    }
    faults(stack);
    await test(stack);
  } finally {
    await stack.close();
  }
}

/** Both drives are listed whole, every entry once, and files of both are read right. */
async function expectReads({ url, emulator: { drives } }: Stack): Promise<void> {
  for (const [name, driveId] of [
    ['备份盘', drives.backup],
    ['资源库', drives.resource],
  ] as const) {
    const base = `/${encodeURIComponent(name)}/`;
    const listing = await propfind(url, base, '1');
    expect([listing.status, listing.isWhole]).toEqual([207, true]);
    const rows = readRows(listing.text).slice(1);
    expect(new Set(rows.map(({ href }) => href)).size).toBe(FILES);
    expect(rows.filter(({ isFolder }) => isFolder)).toHaveLength(FILES / 5);
    const index = FILES - 1;
    const file = await ask(url, `${base}file%20${index}.txt`, { headers: STREAM });
    expect([file.status, file.text]).toEqual([200, `${driveId} ${index}`]);
    const part = await ask(url, `${base}file%20${index}.txt`, { headers: { ...STREAM, Range: 'bytes=2-' } });
    expect([part.status, part.text]).toEqual([206, `${driveId} ${index}`.slice(2)]);
    const empty = await propfind(url, `${base}folder%200/`, '1');
    expect([empty.status, readRows(empty.text).length]).toEqual([207, 1]);
  }
}

const VARIANTS: readonly [string, EmulatorOptions][] = [
  ['folders first', { foldersFirst: true }],
  ['folders among files', { foldersFirst: false }],
  ['a limit of 100 that is enforced', { openListLimit: 'reject' }],
  ['pages of 47', { pageMax: 47 }],
  ['signatures of version 4', { linkSignature: 'OSS4' }],
  ['ranges in the manner of OSS', { ranges: 'oss' }],
  ['devices that nobody looks at', { deviceChecks: 'off' }],
  ['devices looked at for links alone', { deviceChecks: 'download-only' }],
  ['signatures that are verified', { deviceChecks: 'all', strictSignatures: true }],
  ['device sessions of a second', { deviceSessionTtlMs: 1_000 }],
  ['spent tokens that die at once', { webGraceMs: 0, openGraceMs: 0 }],
  ['the other word for a wrong endpoint', { wrongEndpointCode: 'InvalidParameter.RefreshToken' }],
  ['access tokens of six seconds', { accessTokenTtlMs: 6_000 }],
  ['links of three seconds', { linkTtlMs: 3_000 }],
  ['an approved application', { approvedApp: true }],
  ['its real limits', { limits: 'real' }],
  ['answers that take their time', { latencyMs: 150 }],
];

describe.concurrent.each(LOGIN_KINDS)('a %s login reads everything right from a service with', (kind) => {
  it.each(VARIANTS)('%s', async (_what, options) => {
    await withStack(kind, options, async (stack) => {
      await expectReads(stack);
      expect(stack.emulator.calls.snapshot().overLimit).toBe(0);
    });
  });
});

type Patch = Omit<Extract<FaultAction, { kind: 'patch' }>, 'kind'>;

const STRANGE = { 名: '\u{1f600}', nested: { deep: [null, { x: 1 }] }, __proto__: { kind: 'folder' }, '': 0 };

const PATCHES: readonly [string, readonly string[], Patch][] = [
  ['lists with fields that nobody knows', LIST, { set: { ...STRANGE, total_count: -1, items_2: [] } }],
  [
    'lists without what can be told otherwise',
    LIST,
    {
      remove: [
        'drive_id',
        'domain_id',
        'parent_file_id',
        'status',
        'encrypt_mode',
        'category',
        'mime_type',
        'mime_extension',
        'file_extension',
        'content_type',
        'hidden',
        'starred',
        'labels',
        'punish_flag',
        'url',
        'thumbnail',
        'download_url',
      ],
    },
  ],
  [
    'lists with null for what can be',
    LIST,
    {
      set: {
        domain_id: null,
        content_hash: null,
        crc64_hash: null,
        mime_type: null,
        category: null,
        thumbnail: null,
        url: null,
        punish_flag: null,
        trashed: null,
        trashed_at: null,
        punished_file_count: null,
      },
    },
  ],
  ['lists without times', LIST, { remove: ['created_at', 'updated_at'] }],
  ['lists with times that are none', LIST, { set: { created_at: 'yesterday', updated_at: '0000-00-00T00:00:00Z' } }],
  ['lists with hashes that are none', LIST, { set: { content_hash: 'abc', content_hash_name: 'none' } }],
  ['lists with a type of content that is none', LIST, { set: { mime_type: 'a\r\nX-Evil: 1', content_type: '\u4e2d' } }],
  ['links with fields that nobody knows', LINK, { set: STRANGE }],
  [
    'links without size, hash and expiry',
    LINK,
    {
      remove: [
        'size',
        'content_hash',
        'content_hash_name',
        'expiration',
        'crc64_hash',
        'punish_flag',
        'ratelimit',
        'method',
        'domain_id',
        'revision_id',
      ],
    },
  ],
  [
    'links with null for what can be',
    LINK,
    {
      set: {
        size: null,
        content_hash: null,
        expiration: null,
        punish_flag: null,
        streams_url: null,
        streamsUrl: null,
        internal_url: null,
        cdn_url: null,
      },
    },
  ],
  ['links with a hash in small letters', LINK, { set: { meta_name_punish_flag: 0, expiration: 'soon' } }],
  ['users without a default drive', ACCOUNT, { remove: ['nick_name', 'name', 'avatar', 'phone', 'user_name', 'role'] }],
  [
    'tokens without what can be told otherwise',
    TOKEN,
    {
      remove: [
        'token_type',
        'expires_in',
        'expire_time',
        'nick_name',
        'default_drive_id',
        'device_id',
        'user_id',
        'status',
      ],
    },
  ],
  ['tokens with fields that nobody knows', TOKEN, { set: STRANGE }],
  ['spaces without an end', QUOTA, { set: { personal_space_info: { used_size: 7, total_size: -1 } } }],
  ['spaces in words', QUOTA, { set: { personal_space_info: { used_size: '7', total_size: 'much' } } }],
  ['spaces without anything', QUOTA, { remove: ['personal_space_info'] }],
];

describe.concurrent.each(LOGIN_KINDS)('a %s login reads everything right from', (kind) => {
  it.each(PATCHES)('%s', async (_what, endpoints, patch) => {
    const stack = await startStack({ kind });
    const { store, drives, faults } = stack.emulator;
    try {
      const folder = store.addFolder(store.root(drives.backup), 'folder');
      store.addFile(folder, 'file.txt', 'the bytes');
      for (const endpoint of endpoints) faults.inject({ ...patch, kind: 'patch', endpoint, times: 'always' });
      await stack.restart().then(async (again) => {
        const listing = await propfind(again.url, '/folder/', '1');
        expect([listing.status, readRows(listing.text).map(({ href, length }) => [href, length])]).toEqual([
          207,
          [
            ['/folder/', undefined],
            ['/folder/file.txt', 9],
          ],
        ]);
        expect(listing.text).not.toContain('1970');
        const file = await ask(again.url, '/folder/file.txt', { headers: STREAM });
        expect([file.status, file.text, file.headers['x-evil']]).toEqual([200, 'the bytes', undefined]);
        const quota = await propfind(again.url, '/', '0', { body: QUOTA_BODY });
        expect([quota.status, quota.text.includes('NaN')]).toEqual([207, false]);
        await again.app.stop(0);
      });
    } finally {
      await stack.close();
    }
  });
});
