import { describe, expect, it, onTestFinished } from 'vitest';
import { DriveError } from '../../../src/drive/errors.ts';
import { openEmbeddedStore } from '../../../src/state/embedded.ts';
import { LockConflictBelowError, type LockRequest, LockSystem } from '../../../src/webdav/locks.ts';
import { temporaryFolder } from '../state/temporary-folder.ts';
import { createState, SharedStore } from './state.ts';

function requestOf(path: string, part: Partial<LockRequest> = {}): LockRequest {
  return { path, href: path, scope: 'exclusive', depth: 'infinity', ownerXml: '<D:owner/>', timeoutS: 600, ...part };
}

const tokens = (locks: readonly { token: string }[]) => locks.map(({ token }) => token);

describe('LockSystem', () => {
  it('grants a lock that covers what is below, with a token of its own and its time', async () => {
    const { locks } = createState(() => 1_000);
    const lock = await locks.grant(requestOf('/a'));
    expect(lock).toEqual({
      ...requestOf('/a'),
      token: expect.stringMatching(/^urn:uuid:[\da-f-]{36}$/),
      expiresAt: 601_000,
    });
    expect(await locks.covering('/a/b')).toEqual([lock]);
    expect(await locks.membership('/a/b')).toEqual([lock]);
    expect(await locks.membership('/a')).toEqual([]);
    expect(await locks.membership('/')).toEqual([]);
    expect(await locks.within('/')).toEqual([lock]);
    expect((await locks.ofChildren('/'))('a')).toEqual([lock]);
  });

  it.each([
    ['the same', '/a', {}, ['/a']],
    ['below a deep one', '/a/b', {}, ['/a']],
    ['shared on an exclusive one', '/a', { scope: 'shared' }, ['/a']],
    ['exclusive on a shared one', '/s', {}, ['/s']],
    ['below a flat one', '/flat/x', {}, undefined],
    ['shared on a shared one', '/s', { scope: 'shared' }, undefined],
    ['flat above', '/', { depth: '0' }, undefined],
  ] as const)('of a conflict: %s', async (_what, path, part, hrefs) => {
    const { locks } = createState();
    await locks.grant(requestOf('/a'));
    await locks.grant(requestOf('/s', { scope: 'shared', depth: '0' }));
    await locks.grant(requestOf('/flat', { depth: '0' }));
    const granted = locks.grant(requestOf(path, part));
    if (!hrefs) await expect(granted).resolves.toMatchObject({ path });
    else await expect(granted).rejects.toMatchObject({ status: 423, condition: 'no-conflicting-lock', hrefs });
  });

  it('tells what is in the way below', async () => {
    const { locks } = createState();
    await locks.grant(requestOf('/a/b', { href: '/a/b/' }));
    await locks.grant(requestOf('/a/c', { scope: 'shared' }));
    const failure = await locks.grant(requestOf('/a')).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(LockConflictBelowError);
    expect(failure).toMatchObject({ hrefs: ['/a/b/', '/a/c'] });
    expect(await locks.covering('/a')).toEqual([]);
  });

  it('of two who ask at the same moment, one gets it', async () => {
    const { locks } = createState();
    const results = await Promise.allSettled([1, 2, 3].map(() => locks.grant(requestOf('/a'))));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  });

  it('a lock ends with its time unless it is prolonged', async () => {
    let now = 0;
    const { locks, store } = createState(() => now);
    const { token } = await locks.grant(requestOf('/a'));
    now = 599_999;
    expect(await locks.refresh(token, 10)).toMatchObject({ token, timeoutS: 10, expiresAt: 609_999 });
    now = 609_999;
    expect(await locks.covering('/a')).toEqual([]);
    expect(await locks.refresh(token, 10)).toBeUndefined();
    await locks.grant(requestOf('/a'));
    expect(store.values.size).toBe(1);
  });

  it('forgets what was at a path and below it, and nothing beside it', async () => {
    const { locks, store } = createState();
    for (const path of ['/a', '/ab', '/c']) await locks.grant(requestOf(path, { depth: '0' }));
    await locks.grant(requestOf('/a/b'));
    await locks.forget('/a', 'members');
    expect((await locks.within('/a')).map(({ path }) => path)).toEqual(['/a']);
    await locks.forget('/a');
    expect((await locks.within('/')).map(({ path }) => path)).toEqual(['/ab', '/c']);
    expect(store.values.size).toBe(2);
  });

  it('tells of each end, also of one that time brings', async () => {
    const { locks } = createState();
    const released: string[] = [];
    const stopListening = locks.onReleased((path) => released.push(path));
    onTestFinished(() => locks.stop());
    const { token } = await locks.grant(requestOf('/released'));
    await locks.grant(requestOf('/forgotten/x'));
    await locks.grant(requestOf('/ended', { timeoutS: 0.05 }));
    await locks.release(token);
    await locks.release(token);
    await locks.forget('/forgotten');
    expect(released).toEqual(['/released', '/forgotten/x']);
    await expect.poll(() => released).toEqual(['/released', '/forgotten/x', '/ended']);
    stopListening();
    const last = await locks.grant(requestOf('/unheard'));
    await locks.release(last.token);
    expect(released).toHaveLength(3);
  });

  it('hears of what another process does', async () => {
    const store = new SharedStore();
    const [mine, theirs] = [createState(Date.now, store).locks, createState(Date.now, store).locks];
    expect(await mine.covering('/a')).toEqual([]);
    const { token } = await theirs.grant(requestOf('/a'));
    await expect(mine.grant(requestOf('/a'))).rejects.toMatchObject({ status: 423 });
    store.tellOfChange();
    expect(tokens(await mine.covering('/a'))).toEqual([token]);
    const released: string[] = [];
    mine.onReleased((path) => released.push(path));
    await theirs.release(token);
    store.tellOfChange();
    await expect.poll(() => released).toEqual(['/a']);
  });

  it('a lock that could not be stored is not there', async () => {
    const { locks, store } = createState();
    store.changeError = new Error('disk full');
    await expect(locks.grant(requestOf('/a'))).rejects.toThrow('disk full');
    store.changeError = undefined;
    expect(await locks.covering('/a')).toEqual([]);
    await locks.grant(requestOf('/a'));
  });

  it('asks again after nobody was signed in', async () => {
    let error: DriveError | undefined = new DriveError('login-required', 'sign in');
    const locks = new LockSystem({
      store: new SharedStore(),
      userId: async () => {
        if (error) throw error;
        return 'user';
      },
      now: Date.now,
    });
    await expect(locks.covering('/a')).rejects.toBe(error);
    error = undefined;
    expect(await locks.covering('/a')).toEqual([]);
  });

  it('does not take what is stored amiss for a lock', async () => {
    const { locks, store } = createState();
    await store.put(['user', 'v1', 'locks', 'x'], { token: 'x', path: '/a' });
    await store.put(['user', 'v1', 'locks', 'y'], null);
    expect(await locks.covering('/a')).toEqual([]);
  });

  it('survives a restart', async () => {
    const folder = await temporaryFolder();
    const store = await openEmbeddedStore(folder);
    const first = new LockSystem({ store, userId: async () => 'user', now: Date.now });
    const path = `/${'长'.repeat(300)}/a`;
    const lock = await first.grant(requestOf(path, { ownerXml: '<o xmlns="x">文 &amp; "q"</o>' }));
    first.stop();
    await store.close();
    const reopened = await openEmbeddedStore(folder);
    onTestFinished(() => reopened.close());
    const second = new LockSystem({ store: reopened, userId: async () => 'user', now: Date.now });
    onTestFinished(() => second.stop());
    expect(await second.covering(path)).toEqual([lock]);
    const other = new LockSystem({ store: reopened, userId: async () => 'somebody else', now: Date.now });
    onTestFinished(() => other.stop());
    expect(await other.covering(path)).toEqual([]);
  });
});
