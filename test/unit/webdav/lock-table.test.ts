import { describe, expect, it } from 'vitest';
import { type Lock, LockTable, parentOf } from '../../../src/webdav/lock-table.ts';

function lockOf(token: string, path: string, part: Partial<Lock> = {}): Lock {
  const fixed = { scope: 'shared', ownerXml: '', timeoutS: 10, expiresAt: 10_000 } as const;
  return { token, path, href: path, depth: 'infinity', ...fixed, ...part };
}

const TABLE = new LockTable([
  lockOf('root', '/'),
  lockOf('folder', '/a', { depth: '0' }),
  lockOf('deep', '/a/b'),
  lockOf('file', '/a/b/c.txt', { depth: '0' }),
  lockOf('sibling', '/ab', { depth: '0' }),
  lockOf('past', '/a/b/c.txt', { expiresAt: 1_000 }),
]);
const tokens = (locks: readonly Lock[]) => locks.map(({ token }) => token);

describe('LockTable', () => {
  it.each([
    ['/', ['root']],
    ['/a', ['folder', 'root']],
    ['/a/x', ['root']],
    ['/a/b', ['deep', 'root']],
    ['/a/b/c.txt', ['file', 'deep', 'root']],
    ['/a/b/d/e', ['deep', 'root']],
    ['/ab/x', ['root']],
  ])('%s is covered by its own locks and the deep ones above', (path, expected) => {
    expect(tokens(TABLE.covering(path, 1_000))).toEqual(expected);
  });

  it.each([
    ['/', ['root', 'folder', 'deep', 'file', 'sibling']],
    ['/a', ['folder', 'deep', 'file']],
    ['/a/b/c.txt', ['file']],
    ['/x', []],
  ])('within %s', (path, expected) => {
    expect(tokens(TABLE.within(path, 1_000))).toEqual(expected);
  });

  it.each([
    ['/', 'a', ['folder', 'root']],
    ['/', 'x', ['root']],
    ['/a', 'b', ['deep', 'root']],
    ['/a/b', 'c.txt', ['file', 'deep', 'root']],
    ['/ab', 'x', ['root']],
  ])('of the children of %s, %s', (folder, name, expected) => {
    expect(tokens(TABLE.ofChildren(folder, 1_000)(name))).toEqual(expected);
  });

  it('a lock past its time is as if it were not there', () => {
    expect(TABLE.find('past', 999)?.token).toBe('past');
    expect(TABLE.find('past', 1_000)).toBeUndefined();
    expect(tokens(TABLE.covering('/a/b/c.txt', 999))).toContain('past');
    expect(TABLE.covering('/a', 10_000)).toEqual([]);
  });

  it('replaces a lock of the same token', () => {
    const table = new LockTable([lockOf('x', '/a')]);
    table.set(lockOf('x', '/a', { expiresAt: 20_000 }));
    expect(table.covering('/a', 15_000).map(({ expiresAt }) => expiresAt)).toEqual([20_000]);
    table.delete('x');
    expect([table.size, table.covering('/a', 0)]).toEqual([0, []]);
  });
});

describe('parentOf', () => {
  it.each([
    ['/', undefined],
    ['/a', '/'],
    ['/a/b', '/a'],
  ])('%s is in %s', (path, parent) => {
    expect(parentOf(path)).toBe(parent);
  });
});
