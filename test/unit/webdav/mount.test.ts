import { expect, it } from 'vitest';
import { toShownPath, toTreePath, toUrlPath } from '../../../src/webdav/mount.ts';

it.each([
  ['/', '/t/x', '/', '/'],
  ['/', '/t/x/a/b', '/a/b', '/a/b'],
  ['/Films', '/t/x', '/Films', '/'],
  ['/Films', '/t/x/a', '/Films/a', '/a'],
  ['/Films/Films', '/t/x/Films', '/Films/Films/Films', '/Films'],
])('a mount of %s has %s at %s and shows it as %s', (folder, urlPath, path, shownPath) => {
  const mount = { prefix: '/t/x', folder };
  expect(toTreePath(mount, urlPath)).toBe(path);
  expect(toShownPath(path, mount)).toBe(shownPath);
  expect(toUrlPath(path, mount)).toBe(urlPath);
});

it('without a mount all paths are the same', () => {
  expect([toShownPath('/a/b', undefined), toUrlPath('/a/b', undefined)]).toEqual(['/a/b', '/a/b']);
});
