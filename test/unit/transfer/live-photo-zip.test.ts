import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Entry, LiveStream } from '../../../src/drive/entry.ts';
import { DriveError } from '../../../src/drive/errors.ts';
import { livePhotoZipSize } from '../../../src/drive/live-photo.ts';
import { createLivePhotoZip } from '../../../src/transfer/live-photo-zip.ts';
import { makeBytes, makeEntry, readAll } from './fake-drive.ts';

const STREAMS: LiveStream[] = [
  { extension: 'heic', sizeBytes: 150_001 },
  { extension: 'mov', sizeBytes: 350_000 },
];

function makePhoto(name: string, liveStreams = STREAMS): Entry {
  return makeEntry({ name, liveStreams, contentHash: undefined, sizeBytes: livePhotoZipSize(name, liveStreams) });
}

const contentOf = ({ sizeBytes }: LiveStream) => makeBytes({ first: 0, last: sizeBytes - 1 });
const openStream = async (stream: LiveStream) => Readable.from([contentOf(stream)]);

/** Reads a zip as an unpacker does: from its end, by the central directory. */
function unzip(zip: Buffer): Map<string, Buffer> {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  const members = new Map<string, Buffer>();
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    expect(zip.toString('latin1', at, at + 4)).toBe('PK\x01\x02');
    const [method, crc, size] = [zip.readUInt16LE(at + 10), zip.readUInt32LE(at + 16), zip.readUInt32LE(at + 24)];
    const [nameBytes, extraBytes] = [zip.readUInt16LE(at + 28), zip.readUInt16LE(at + 30)];
    const name = zip.toString('utf8', at + 46, at + 46 + nameBytes);
    const local = zip.readUInt32LE(at + 42);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const bytes = zip.subarray(start, start + size);
    expect([method, crc]).toEqual([0, crc32(bytes)]);
    members.set(name, bytes);
    at += 46 + nameBytes + extraBytes;
  }
  expect(at).toBe(end);
  return members;
}

describe('createLivePhotoZip', () => {
  it.each(['IMG_1.livp', '家庭 🎉.livp', 'a/b\\..\\c:.livp', 'C:x.livp', '\ud800.livp', '.livp'])(
    'has the length announced and gives back its streams: %j',
    async (name) => {
      const entry = makePhoto(name);
      const zip = await readAll(await createLivePhotoZip(entry, STREAMS, openStream));
      expect(zip.length).toBe(entry.sizeBytes);
      const members = [...unzip(zip).values()];
      expect(members.map((bytes, index) => bytes.equals(contentOf(STREAMS[index] as LiveStream)))).toEqual([
        true,
        true,
      ]);
    },
  );

  it('names its members after the photo', async () => {
    const zip = await readAll(await createLivePhotoZip(makePhoto('IMG_1.livp'), STREAMS, openStream));
    expect([...unzip(zip).keys()]).toEqual(['IMG_1.heic', 'IMG_1.mov']);
  });

  it('opens one stream after another', async () => {
    const open: string[] = [];
    const zip = await createLivePhotoZip(makePhoto('a.livp'), STREAMS, async (stream) => {
      open.push(stream.extension);
      return openStream(stream);
    });
    expect(open).toEqual(['heic']);
    await readAll(zip);
    expect(open).toEqual(['heic', 'mov']);
  });

  it('is refused when the streams are no longer those announced', async () => {
    const entry = makePhoto('a.livp', [{ extension: 'heic', sizeBytes: 1 }]);
    await expect(createLivePhotoZip(entry, STREAMS, openStream)).rejects.toMatchObject({ code: 'content-mismatch' });
  });

  it.each([0, 1])('fails, and does not end short, when stream %i fails', async (failing) => {
    const zip = await createLivePhotoZip(makePhoto('a.livp'), STREAMS, async (stream) => {
      if (stream !== STREAMS[failing]) return openStream(stream);
      return new Readable({
        read() {
          this.push(Buffer.alloc(1000));
          this.destroy(new DriveError('unavailable', 'scripted'));
        },
      });
    });
    await expect(readAll(zip)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('rejects when its first stream cannot be opened, fails when the second cannot', async () => {
    const refuse = (extension: string) => async (stream: LiveStream) => {
      if (stream.extension === extension) throw new DriveError('forbidden', 'scripted');
      return openStream(stream);
    };
    const photo = makePhoto('a.livp');
    await expect(createLivePhotoZip(photo, STREAMS, refuse('heic'))).rejects.toMatchObject({ code: 'forbidden' });
    const zip = await createLivePhotoZip(photo, STREAMS, refuse('mov'));
    await expect(readAll(zip)).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('destroys the stream it was reading when it is destroyed', async () => {
    const opened: Readable[] = [];
    const zip = await createLivePhotoZip(makePhoto('a.livp'), STREAMS, async () => {
      const stream = new Readable({ read() {} });
      opened.push(stream);
      return stream;
    });
    zip.destroy();
    await new Promise((resolve) => setImmediate(resolve));
    expect(opened.map((stream) => stream.destroyed)).toEqual([true]);
  });
});
