import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../src/drive/entry.ts';
import { createRowParser, formatRow } from '../../../src/tree/listing-rows.ts';
import { DRIVE_ID, makeEntry, makeFolder } from './fake-drive.ts';

const ROOT = { driveId: DRIVE_ID, id: 'root' };

const ENTRIES: Readonly<Record<string, Entry>> = {
  'a file': makeEntry('a', { contentHash: 'A'.repeat(40), mimeType: 'text/plain', sizeBytes: 2 ** 45, updatedAt: 7 }),
  'a folder': makeFolder('名\ud800'),
  'a live photo': makeEntry('p.livp', { liveStreams: [{ extension: 'heic', sizeBytes: 3 }] }),
  'what the service withholds': makeEntry('b', { blockedReason: 'The file was refused.' }),
  'what is not where it was listed': makeEntry('c', { driveId: 'd9', parentId: 'elsewhere', trashed: true }),
};

describe('a stored row', () => {
  it.each(Object.entries(ENTRIES))('brings back %s as it was', (_, entry) => {
    const stored: unknown = JSON.parse(JSON.stringify(formatRow(ROOT, entry)));
    expect(createRowParser(ROOT)(stored)).toEqual(entry);
  });

  it.each([
    ['no array', {}],
    ['too short', ['id', 'name']],
    ['of another form', ['id', 'name', 1, '3', 1, 1, 0, 0]],
    ['of a later form', ['id', 'name', 1, 3, 1, 1, 0, 0, 'x']],
  ])('%s is refused', (_, row) => {
    expect(() => createRowParser(ROOT)(row)).toThrow('no entry');
  });
});
