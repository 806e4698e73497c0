import { expect, it } from 'vitest';
import { formatLinks } from '../../../src/cli/format.ts';
import type { PrivateLink } from '../../../src/state/private-links.ts';

it('shows links as a table', () => {
  const at = (day: number) => new Date(2026, 10, day, 8, 5).getTime();
  const link: PrivateLink = {
    id: '0a1b2c3d',
    label: '',
    folder: '/',
    createdAt: at(1),
    expiresAt: undefined,
    lastUsedAt: undefined,
  };
  const other = { ...link, id: 'ffffffff', folder: '/电影', label: 'tv', expiresAt: at(20), lastUsedAt: at(2) };
  expect(formatLinks([link, other], at(20)).split('\n')).toEqual([
    'id        created           expires                last used         folder  label',
    '0a1b2c3d  2026-11-01 08:05  never                  never             /',
    'ffffffff  2026-11-01 08:05  2026-11-20 08:05 over  2026-11-02 08:05  /电影  tv',
  ]);
  expect(formatLinks([other], at(20) - 1)).not.toContain('over');
});
