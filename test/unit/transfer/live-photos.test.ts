import { describe, expect, it } from 'vitest';
import type { Entry, EntryKey } from '../../../src/drive/entry.ts';
import { LivePhotos } from '../../../src/transfer/live-photos.ts';
import { makeEntry } from './fake-drive.ts';

const listed = makeEntry({ name: 'a.livp', contentHash: undefined, sizeBytes: 0 });
const complete: Entry = { ...listed, sizeBytes: 223, liveStreams: [{ extension: 'mov', sizeBytes: 100 }] };

function setUp(fetched: Entry) {
  const asked: EntryKey[] = [];
  const fetchEntry = async (key: EntryKey) => {
    asked.push(key);
    return fetched;
  };
  return { asked, livePhotos: new LivePhotos({ fetchEntry }) };
}

describe('LivePhotos', () => {
  it('asks once for the streams that a listing left out', async () => {
    const { asked, livePhotos } = setUp(complete);
    const both = await Promise.all([livePhotos.resolve(listed), livePhotos.resolve(listed)]);
    expect([...both, await livePhotos.resolve(listed)]).toEqual([complete, complete, complete]);
    expect(asked).toHaveLength(1);
    await livePhotos.resolve({ ...listed, updatedAt: listed.updatedAt + 1 });
    expect(asked).toHaveLength(2);
  });

  it.each([
    ['a file', makeEntry()],
    ['a live photo whose streams are known', complete],
    ['a zip that somebody gave that ending', makeEntry({ name: 'a.livp' })],
  ])('asks nothing about %s', async (_, entry) => {
    const { asked, livePhotos } = setUp(complete);
    expect(await livePhotos.resolve(entry)).toBe(entry);
    expect(asked).toEqual([]);
  });

  it('asks again when the service did not tell', async () => {
    const { asked, livePhotos } = setUp(listed);
    await livePhotos.resolve(listed);
    await livePhotos.resolve(listed);
    expect(asked).toHaveLength(2);
  });
});
