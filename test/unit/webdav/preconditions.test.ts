import { describe, expect, it } from 'vitest';
import { DriveError } from '../../../src/drive/errors.ts';
import type { LockRequest } from '../../../src/webdav/locks.ts';
import { LockedMembersError, type WriteTarget } from '../../../src/webdav/preconditions.ts';
import { file, MemoryTree } from './memory-tree.ts';
import { type ServedMethods, serveMethods } from './serve-methods.ts';

const HASH = 'AB'.repeat(20);

function start(): Promise<ServedMethods> {
  return serveMethods(
    new MemoryTree({ a: { b: { 'c.txt': file({ contentHash: HASH }), 'd.txt': file() } }, 'x y.txt': file() }),
  );
}

async function lock(served: ServedMethods, path: string, part: Partial<LockRequest> = {}): Promise<string> {
  const fixed = { scope: 'exclusive', depth: '0', ownerXml: '', timeoutS: 600 } as const;
  return (await served.locks.grant({ path, href: encodeURI(path), ...fixed, ...part })).token;
}

async function attempt(served: ServedMethods, path: string, effect: WriteTarget['effect'], ifHeader?: string) {
  served.targets = [{ path, effect }];
  const headers = ifHeader === undefined ? undefined : { If: ifHeader };
  return served.request('SEARCH', encodeURI(path), headers);
}

describe('the If header of a request', () => {
  it.each([
    [undefined, 204],
    ['(["x"])', 412],
    [`(["${HASH.toLowerCase()}"])`, 204],
    ['(Not <urn:x>)', 204],
    ['(<urn:x>)', 412],
    ['(<DAV:no-lock>)', 412],
    ['</a/b> (["x"])', 412],
    ['</a/b/d.txt/below> (["x"])', 412],
    ['</gone/far> (Not ["x"])', 204],
    ['(', 400],
    ['', 400],
  ])('%s is %i', async (header, status) => {
    expect((await attempt(await start(), '/a/b/c.txt', 'content', header)).status).toBe(status);
  });

  it('needs the tree only for an ETag, and an ETag that cannot be had is no answer', async () => {
    const tree = new MemoryTree({ 'a.txt': file() });
    tree.getError = new DriveError('unavailable', 'no network');
    const served = await serveMethods(tree);
    expect((await attempt(served, '/a.txt', 'content', '(Not <urn:x>)')).status).toBe(204);
    expect((await attempt(served, '/a.txt', 'content', '(Not ["x"])')).status).toBe(503);
  });
});

describe('a locked resource', () => {
  it.each([
    ['content', '/a/b/c.txt', '/a/b/c.txt', '0'],
    ['content', '/a/b/c.txt', '/a', 'infinity'],
    ['create', '/a/b/new.txt', '/a/b', '0'],
    ['create', '/a/b/new.txt', '/', 'infinity'],
    ['remove', '/a/b/c.txt', '/a/b/c.txt', '0'],
    ['remove', '/a/b/c.txt', '/a/b', '0'],
    ['remove', '/a/b', '/a', '0'],
  ] as const)('%s of %s needs the token of the lock on %s', async (effect, path, locked, depth) => {
    const served = await start();
    const token = await lock(served, locked, { depth });
    const refused = await attempt(served, path, effect);
    expect([refused.status, refused.headers['content-type']]).toEqual([423, 'application/xml; charset=utf-8']);
    expect(refused.body).toContain(
      `<D:error xmlns:D="DAV:"><D:lock-token-submitted><D:href>${locked}</D:href></D:lock-token-submitted></D:error>`,
    );
    expect((await attempt(served, path, effect, `<${locked}> (<${token}>)`)).status).toBe(204);
    expect((await attempt(served, path, effect, `<http://x${path}> (Not <${token}>) (Not <urn:x>)`)).status).toBe(423);
    expect([...(served.submitted?.tokens ?? [])]).toEqual([token]);
  });

  it.each([
    ['content', '/a/b/c.txt', '/a/b'],
    ['content', '/a/b/c.txt', '/a/b/d.txt'],
    ['create', '/a/b/new.txt', '/a'],
    ['remove', '/a/b/c.txt', '/a/b/d.txt'],
  ] as const)('%s of %s has nothing to do with a flat lock on %s', async (effect, path, locked) => {
    const served = await start();
    await lock(served, locked);
    expect((await attempt(served, path, effect)).status).toBe(204);
  });

  it('one of its shared locks is enough', async () => {
    const served = await start();
    const shared = { scope: 'shared', depth: 'infinity' } as const;
    const tokens = [await lock(served, '/a/b/c.txt', shared), await lock(served, '/a', shared)];
    await lock(served, '/a/b/c.txt', shared);
    expect((await attempt(served, '/a/b/c.txt', 'content')).status).toBe(423);
    for (const token of tokens) {
      expect((await attempt(served, '/a/b/c.txt', 'content', `(<${token}>)`)).status).toBe(204);
    }
  });

  it('a name that needs encoding is told encoded', async () => {
    const served = await start();
    await lock(served, '/x y.txt');
    expect((await attempt(served, '/x y.txt', 'content')).body).toContain('<D:href>/x%20y.txt</D:href>');
  });

  it('a token of another lock opens nothing', async () => {
    const served = await start();
    const other = await lock(served, '/x y.txt');
    await lock(served, '/a/b/c.txt');
    expect((await attempt(served, '/a/b/c.txt', 'content', `</x%20y.txt> (<${other}>)`)).status).toBe(423);
    expect((await attempt(served, '/a/b/c.txt', 'content', `(<${other}>)`)).status).toBe(412);
  });

  it('what is removed must hold nothing that is locked by others', async () => {
    const served = await start();
    const token = await lock(served, '/a/b/c.txt');
    await lock(served, '/a/b/d.txt', { scope: 'shared' });
    await lock(served, '/a/b/d.txt', { scope: 'shared' });
    const members = async (header?: string) => {
      await attempt(served, '/a', 'remove', header);
      const { error } = served.records.at(-1) ?? {};
      expect(error).toBeInstanceOf(LockedMembersError);
      return (error as LockedMembersError).members;
    };
    expect(await members()).toEqual(['/a/b/c.txt', '/a/b/d.txt']);
    expect(await members(`</a/b/c.txt> (<${token}>)`)).toEqual(['/a/b/d.txt']);
    expect((await attempt(served, '/a', 'content')).status).toBe(204);
  });

  it('a deep shared lock that is held opens what others share below it', async () => {
    const served = await start();
    const token = await lock(served, '/a', { scope: 'shared', depth: 'infinity' });
    await lock(served, '/a/b/c.txt', { scope: 'shared' });
    expect((await attempt(served, '/a', 'remove', `(<${token}>)`)).status).toBe(204);
  });
});
