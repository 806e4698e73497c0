import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DriveError } from '../../../src/drive/errors.ts';
import { makeLocalEntry } from '../../../src/drive/local-entry.ts';
import { makeEntry, makeFolder, settle } from './fake-drive.ts';
import { makeTree, type TestTree } from './make-tree.ts';

const SOURCE = makeFolder('source');
const COPY = makeFolder('copy', { createdAt: 100, updatedAt: 100 });

/** A drive with a folder that was just copied, of which its listing has nothing yet. */
function furnish(): TestTree & { readonly wait: (ms: number) => Promise<void> } {
  const made = makeTree();
  made.drive.setFolder('root', [SOURCE, COPY]);
  made.drive.setFolder(SOURCE.id, [inSource('a'), inSource('b'), makeFolder('sub', { parentId: SOURCE.id })]);
  made.drive.setFolder('id-sub', [makeEntry('deep', { parentId: 'id-sub' })]);
  made.drive.setFolder(COPY.id, []);
  void made.overlay.apply({ removed: [], placed: [], origins: [{ how: 'copied', from: SOURCE, to: COPY }] });
  const wait = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 250) {
      made.clock.now += 250;
      await vi.advanceTimersByTimeAsync(250);
      await settle();
    }
  };
  return { ...made, wait };
}

function inSource(name: string, changes: Parameters<typeof makeEntry>[1] = {}) {
  return makeEntry(name, { parentId: SOURCE.id, ...changes });
}

function inCopy(name: string) {
  return makeEntry(name, { id: `copied-${name}`, parentId: COPY.id, createdAt: 101, updatedAt: 101 });
}

const SUB_COPY = makeFolder('sub', { id: 'copied-sub', parentId: COPY.id, createdAt: 101, updatedAt: 101 });

/** What a promise has come to by now. */
function watch<T>(promise: Promise<T>): { value: T | undefined; code: string | undefined } {
  const watched: { value: T | undefined; code: string | undefined } = { value: undefined, code: undefined };
  promise.then(
    (value) => {
      watched.value = value;
    },
    (error: unknown) => {
      watched.code = error instanceof DriveError ? error.code : String(error);
    },
  );
  return watched;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe('a folder just copied', () => {
  it('is not listed to its end before it has what its source has', async () => {
    const { drive, names, wait } = furnish();
    const listed = watch(names('/copy'));
    await wait(1000);
    drive.setFolder(COPY.id, [inCopy('b')]);
    await wait(3000);
    expect(listed.value).toBeUndefined();
    drive.setFolder(COPY.id, [inCopy('a'), inCopy('b'), SUB_COPY]);
    await wait(5000);
    expect(listed.value?.toSorted()).toEqual(['a', 'b', 'sub']);
  });

  it('shows what is there at once, and says of nothing that it is not there', async () => {
    const { drive, tree, wait } = furnish();
    drive.setFolder(COPY.id, [inCopy('b')]);
    expect(await tree.get('/copy/b', {})).toMatchObject({ name: 'b' });
    const late = watch(tree.get('/copy/a', {}));
    await wait(1000);
    expect(late).toEqual({ value: undefined, code: undefined });
    drive.setFolder(COPY.id, [inCopy('a'), inCopy('b'), SUB_COPY]);
    await wait(5000);
    expect(late.value).toMatchObject({ name: 'a' });
    expect(await tree.get('/copy/c', {}).catch((error) => error.code)).toBe('not-found');
  });

  it('has what the folders in it have, too', async () => {
    const { drive, names, wait } = furnish();
    drive.setFolder(COPY.id, [inCopy('a'), inCopy('b'), SUB_COPY]);
    drive.setFolder(SUB_COPY.id, []);
    const listed = watch(names('/copy/sub'));
    await wait(1000);
    expect(listed.value).toBeUndefined();
    drive.setFolder(SUB_COPY.id, [makeEntry('deep', { id: 'copied-deep', parentId: SUB_COPY.id })]);
    await wait(5000);
    expect(listed.value).toEqual(['deep']);
  });

  it('costs nothing but its source’s listing where the service does not lag', async () => {
    const { drive, names } = furnish();
    drive.setFolder(COPY.id, [inCopy('a'), inCopy('b'), SUB_COPY]);
    await names('/copy');
    await names('/copy', { fresh: true });
    expect(drive.calls).toEqual(['root@0', 'id-source@0', 'id-copy@0', 'id-copy@0']);
  });

  it('has what was put into its source a moment before, though no listing shows that either', async () => {
    const { drive, overlay, names, wait } = furnish();
    drive.setFolder(SOURCE.id, []);
    const written = inSource('new', { createdAt: 99, updatedAt: 99 });
    drive.setEntry(written.id, written);
    await overlay.apply({ removed: [], placed: [written] });
    const listed = watch(names('/copy'));
    await wait(1000);
    expect(listed.value).toBeUndefined();
    drive.setFolder(COPY.id, [inCopy('new')]);
    await wait(3000);
    expect(listed.value).toEqual(['new']);
  });

  it.each([
    ['came to its source later', inSource('later', { updatedAt: 101 })],
    ['lives with us alone', makeLocalEntry('junk', SOURCE, '._a', { kind: 'file', at: 1 })],
  ])('is not waited for over what %s', async (_, entry) => {
    const { drive, overlay, names, wait } = furnish();
    drive.setFolder(COPY.id, [inCopy('a'), inCopy('b'), SUB_COPY]);
    await overlay.apply({ removed: [], placed: [entry] });
    const listed = watch(names('/copy'));
    await wait(0);
    await settle();
    expect(listed.value).toHaveLength(3);
  });

  it('is as the service lists it where nobody can say what its source has', async () => {
    const { drive, names } = furnish();
    drive.removeFolder(SOURCE.id);
    drive.setFolder(COPY.id, [inCopy('b')]);
    expect(await names('/copy')).toEqual(['b']);
  });

  it('is waited for no longer than a listing may lag', async () => {
    const { drive, names, wait } = furnish();
    const listed = watch(names('/copy'));
    await wait(25_000);
    expect(listed.value).toBeUndefined();
    await wait(5000);
    expect(listed.value).toEqual([]);
    drive.calls.length = 0;
    expect(await names('/copy', { fresh: true })).toEqual([]);
    expect(drive.calls).toEqual(['id-copy@0']);
  });

  it('is waited for by nobody once its readers have left', async () => {
    const { drive, list, wait } = furnish();
    const leaving = new AbortController();
    const listed = watch(list('/copy', {}, leaving.signal));
    await wait(1000);
    leaving.abort();
    await wait(250);
    expect(listed.code).toBe('aborted');
    drive.calls.length = 0;
    await wait(10_000);
    expect(drive.calls).toEqual([]);
  });
});
