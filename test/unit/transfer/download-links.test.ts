import { describe, expect, it } from 'vitest';
import { DownloadLinks } from '../../../src/transfer/download-links.ts';
import { FakeDrive, makeEntry } from './fake-drive.ts';

function setUp(lifeMs = 900_000) {
  const clock = { now: 1_000_000 };
  const drive = new FakeDrive();
  drive.lifeMs = lifeMs;
  drive.now = () => clock.now;
  const links = new DownloadLinks({ drive, now: () => clock.now, maxFiles: 3 });
  return { clock, drive, links };
}

describe('DownloadLinks', () => {
  it('makes one call for a hundred readers of a file', async () => {
    const { drive, links } = setUp();
    const downloads = await Promise.all(Array.from({ length: 100 }, () => links.get(makeEntry())));
    expect(new Set(downloads).size).toBe(1);
    await links.get(makeEntry());
    expect(drive.linkCalls).toBe(1);
  });

  it.each([
    ['a minute before the end of a usual life', 900_000, 839_000, 841_000],
    ['a tenth before the end of a short one', 2_000, 1_799, 1_801],
  ])('renews %s', async (_, lifeMs, goodAfterMs, staleAfterMs) => {
    const { clock, drive, links } = setUp(lifeMs);
    const start = clock.now;
    await links.get(makeEntry());
    clock.now = start + goodAfterMs;
    await links.get(makeEntry());
    expect(drive.linkCalls).toBe(1);
    clock.now = start + staleAfterMs;
    await links.get(makeEntry());
    expect(drive.linkCalls).toBe(2);
  });

  it('gives out no link from before the clock was put back: nobody knows how old it is', async () => {
    const { clock, drive, links } = setUp();
    await links.get(makeEntry());
    clock.now -= 1;
    await links.get(makeEntry());
    await links.get(makeEntry());
    expect(drive.linkCalls).toBe(2);
  });

  it('gives out a link that our clock takes for dead, but keeps it not', async () => {
    const { drive, links } = setUp(-5_000);
    await links.get(makeEntry());
    await links.get(makeEntry());
    expect(drive.linkCalls).toBe(2);
  });

  it('fetches anew when the content, or the drive, is another', async () => {
    const { drive, links } = setUp();
    await links.get(makeEntry());
    await links.get(makeEntry({ contentHash: 'B'.repeat(40) }));
    await links.get(makeEntry({ driveId: '2' }));
    expect(drive.linkCalls).toBe(3);
    await links.get(makeEntry({ name: 'renamed', updatedAt: 1 }));
    expect(drive.linkCalls).toBe(3);
  });

  it('forgets a refused link once, not the one that replaced it', async () => {
    const { drive, links } = setUp();
    const first = await links.get(makeEntry());
    if (first.kind !== 'file') throw new Error('expected a file');
    links.invalidate(makeEntry(), first.link);
    const second = await links.get(makeEntry());
    links.invalidate(makeEntry(), first.link);
    expect(await links.get(makeEntry())).toBe(second);
    expect(drive.linkCalls).toBe(2);
  });

  it('remembers no failure', async () => {
    const { drive, links } = setUp();
    drive.fetchError = 'blocked';
    await expect(links.get(makeEntry())).rejects.toMatchObject({ code: 'blocked' });
    drive.fetchError = undefined;
    await expect(links.get(makeEntry())).resolves.toMatchObject({ kind: 'file' });
  });

  it('remembers the files used last', async () => {
    const { drive, links } = setUp();
    for (const id of ['a', 'b', 'c', 'a', 'd', 'a']) await links.get(makeEntry({ id }));
    expect(drive.linkCalls).toBe(4);
    await links.get(makeEntry({ id: 'b' }));
    expect(drive.linkCalls).toBe(5);
  });

  it('lets one reader leave without disturbing the others, and stops the call when all have left', async () => {
    const { drive, links } = setUp();
    let open = () => {};
    drive.gate = new Promise((resolve) => {
      open = resolve;
    });
    const [leaver, stayer] = [new AbortController(), new AbortController()];
    const left = links.get(makeEntry(), leaver.signal);
    const stayed = links.get(makeEntry(), stayer.signal);
    leaver.abort();
    await expect(left).rejects.toMatchObject({ code: 'aborted' });
    stayer.abort();
    await expect(stayed).rejects.toMatchObject({ code: 'aborted' });
    const late = links.get(makeEntry());
    open();
    await expect(late).resolves.toMatchObject({ kind: 'file' });
    expect(drive.linkCalls).toBe(2);
    await expect(links.get(makeEntry({ id: 'z' }), leaver.signal)).rejects.toMatchObject({ code: 'aborted' });
    expect(drive.linkCalls).toBe(2);
  });
});
