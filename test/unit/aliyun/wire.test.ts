import { describe, expect, it } from 'vitest';
import { Oddities } from '../../../src/aliyun/oddities.ts';
import { isListed, parseAccount, parseEntry, parseItems, parseQuota } from '../../../src/aliyun/wire.ts';
import { livePhotoZipSize } from '../../../src/drive/live-photo.ts';
import { recordingLog } from './recording-log.ts';

const CONTEXT = { driveId: 'D', parentId: 'P' };
const FILE = {
  drive_id: '11000001',
  file_id: 'f1',
  parent_file_id: 'root',
  name: 'a.txt',
  type: 'file',
  size: 13,
  content_hash: '943a702D06F34599AEE1F8DA8EF9F7296031D699',
  created_at: '2024-03-01T08:15:30.123Z',
  updated_at: '2024-03-01T08:15:31Z',
  mime_type: 'text/plain; charset=utf-8',
  content_type: 'application/oct-stream',
  status: 'available',
  punish_flag: 0,
};

function parse(json: unknown) {
  const { log, lines } = recordingLog();
  return { entry: parseEntry(json, CONTEXT, new Oddities(log)), lines };
}

describe('parseEntry', () => {
  it('reads a file', () => {
    const { entry, lines } = parse({ ...FILE, something_new: {} });
    expect(entry).toEqual({
      driveId: '11000001',
      id: 'f1',
      parentId: 'root',
      name: 'a.txt',
      kind: 'file',
      sizeBytes: 13,
      createdAt: Date.UTC(2024, 2, 1, 8, 15, 30, 123),
      updatedAt: Date.UTC(2024, 2, 1, 8, 15, 31),
      contentHash: '943A702D06F34599AEE1F8DA8EF9F7296031D699',
      mimeType: 'text/plain; charset=utf-8',
      liveStreams: undefined,
      blockedReason: undefined,
      trashed: false,
    });
    expect(lines).toEqual([]);
  });

  it('reads a folder of the open API, whose other fields are null', () => {
    const folder = { file_id: 'f', name: 'docs', type: 'folder', size: null, content_hash: null, mime_type: null };
    const { entry } = parse({ ...folder, created_at: FILE.created_at, updated_at: FILE.updated_at });
    expect(entry).toMatchObject({ driveId: 'D', parentId: 'P', kind: 'folder', sizeBytes: 0, contentHash: undefined });
  });

  it.each([
    ['no object', 'text'],
    ['null', null],
    ['no id', { ...FILE, file_id: undefined }],
    ['an empty id', { ...FILE, file_id: '' }],
    ['no type', { ...FILE, type: null }],
    ['an unknown type', { ...FILE, type: 'shortcut' }],
  ])('refuses an entry with %s, as leaving it out would look like a deletion', (_, json) => {
    expect(() => parse(json)).toThrow(expect.objectContaining({ code: 'unavailable' }));
  });

  it.each([
    ['name', { name: null }, { name: 'f1' }],
    ['name', { name: '' }, { name: 'f1' }],
    ['size', { size: null }, { sizeBytes: 0 }],
    ['size', { size: -1 }, { sizeBytes: 0 }],
    ['times', { created_at: null, updated_at: 'yesterday' }, { createdAt: 0, updatedAt: 0 }],
  ])('tolerates a missing %s and says so once', (what, change, expected) => {
    const { log, lines } = recordingLog();
    const oddities = new Oddities(log);
    expect(parseEntry({ ...FILE, ...change }, CONTEXT, oddities)).toMatchObject(expected);
    parseEntry({ ...FILE, ...change }, CONTEXT, oddities);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(what);
  });

  it.each([
    ['a size in text', { size: '13' }, { sizeBytes: 13 }],
    ['a number for a drive', { drive_id: 11000001 }, { driveId: '11000001' }],
    ['epoch times', { updated_at: 1709280000000 }, { updatedAt: 1709280000000 }],
    ['no time of change', { updated_at: null }, { updatedAt: Date.UTC(2024, 2, 1, 8, 15, 30, 123) }],
    ['no time of birth', { created_at: null }, { createdAt: Date.UTC(2024, 2, 1, 8, 15, 31) }],
    ['a hash that is none', { content_hash: 'x' }, { contentHash: undefined }],
    ['an empty hash', { content_hash: '' }, { contentHash: undefined }],
    ['an odd name', { name: ' a/b\u0000 ' }, { name: ' a/b\u0000 ' }],
    ['the bin', { trashed: true }, { trashed: true }],
  ])('reads %s', (_, change, expected) => {
    expect(parse({ ...FILE, ...change }).entry).toMatchObject(expected);
  });

  it.each([
    [0, false],
    [1, false],
    [2, true],
    [3, false],
    [102, false],
    [103, true],
    [null, false],
  ])('punish_flag %s withholds the content: %s', (flag, withheld) => {
    expect(parse({ ...FILE, punish_flag: flag }).entry.blockedReason !== undefined).toBe(withheld);
  });

  it('measures a live photo by the zip that delivers it', () => {
    const streams = { mov: { size: 3500 }, heic: { size: 1500, content_hash: '11' } };
    const { entry } = parse({ ...FILE, name: 'IMG_1.LIVP', size: 5000, streams_info: streams });
    const liveStreams = [
      { extension: 'heic', sizeBytes: 1500 },
      { extension: 'mov', sizeBytes: 3500 },
    ];
    expect(entry).toMatchObject({ liveStreams, contentHash: undefined });
    expect(entry.sizeBytes).toBe(livePhotoZipSize('IMG_1.LIVP', liveStreams));
  });

  it('takes a .livp without streams for a file like any other', () => {
    const { entry } = parse({ ...FILE, name: 'a.livp', streams_info: {} });
    expect(entry).toMatchObject({ sizeBytes: 13, liveStreams: undefined, contentHash: expect.any(String) });
  });
});

describe('isListed', () => {
  it.each([
    [FILE, true],
    [{ ...FILE, status: 'uploading' }, false],
    [{ ...FILE, trashed: true }, false],
    [{ ...FILE, status: null }, true],
  ])('%#: %s', (json, expected) => {
    expect(isListed(json)).toBe(expected);
  });
});

describe('parseItems', () => {
  it.each([[{}], [{ items: null }], [{ items: {} }], [null], ['text']])('takes %j for no empty folder', (json) => {
    expect(() => parseItems(json)).toThrow(expect.objectContaining({ code: 'unavailable' }));
  });
});

describe('parseQuota', () => {
  it.each([
    [
      { used_size: 5, total_size: 10 },
      { usedBytes: 5, totalBytes: 10 },
    ],
    [
      { used_size: 5, total_size: -1 },
      { usedBytes: 5, totalBytes: undefined },
    ],
    [
      { used_size: 5, total_size: 0 },
      { usedBytes: 5, totalBytes: undefined },
    ],
    [{ used_size: 5 }, { usedBytes: 5, totalBytes: undefined }],
    [
      { used_size: '5', total_size: null },
      { usedBytes: 5, totalBytes: undefined },
    ],
  ])('%j', (space, expected) => {
    expect(parseQuota({ personal_space_info: space })).toEqual(expected);
  });

  it.each([[{}], [{ personal_space_info: null }], [undefined]])('%j is unavailable', (json) => {
    expect(() => parseQuota(json)).toThrow(expect.objectContaining({ code: 'unavailable' }));
  });
});

describe('parseAccount', () => {
  it.each([
    [
      { default_drive_id: '1', backup_drive_id: '1', resource_drive_id: '2' },
      [
        { driveId: '1', role: 'backup' },
        { driveId: '2', role: 'resource' },
      ],
    ],
    [{ default_drive_id: '1' }, [{ driveId: '1', role: 'default' }]],
    [
      { default_drive_id: 3, backup_drive_id: null, resource_drive_id: '2' },
      [
        { driveId: '2', role: 'resource' },
        { driveId: '3', role: 'default' },
      ],
    ],
  ])('lists every drive once: %j', (ids, drives) => {
    expect(parseAccount({ user_id: 'u', nick_name: 'n', ...ids }).drives).toEqual(drives);
  });

  it.each([
    [{ nick_name: 'nick', user_name: 'user' }, 'nick'],
    [{ nick_name: '', name: 'name' }, 'name'],
    [{ user_name: 'user' }, 'user'],
    [{}, 'u'],
  ])('finds a name in %j', (names, expected) => {
    expect(parseAccount({ user_id: 'u', default_drive_id: '1', ...names }).nickName).toBe(expected);
  });

  it.each([[{}], [{ user_id: 'u' }], [{ default_drive_id: '1' }]])('%j is unavailable', (json) => {
    expect(() => parseAccount(json)).toThrow(expect.objectContaining({ code: 'unavailable' }));
  });
});
