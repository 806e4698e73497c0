import { describe, expect, it } from 'vitest';
import { asideName, checkName } from '../../../src/aliyun/names.ts';
import type { Entry } from '../../../src/drive/entry.ts';

const named = (name: string) => ({ id: '65e1aa00bb11cc22dd33ee44ff55001122334402', name }) as Entry;

describe('checkName', () => {
  it.each(['a', '😀', ' ', '..', '\\:*?"<>|', '长'.repeat(341), 'a'.repeat(1024)])('takes %j', (name) => {
    expect(() => checkName(name)).not.toThrow();
  });

  it.each(['', 'a/b', '/', '长'.repeat(342), 'a'.repeat(1025)])('refuses %j', (name) => {
    expect(() => checkName(name)).toThrow(expect.objectContaining({ code: 'name-refused' }));
  });
});

describe('asideName', () => {
  it('tells whose it is, always the same', () => {
    expect(asideName(named('a.txt'))).toBe('a.txt.22334402.replaced');
  });

  it.each(['a'.repeat(1024), '长'.repeat(341), '😀'.repeat(256)])(
    'stays a name, cut between characters: %#',
    (name) => {
      const aside = asideName(named(name));
      expect(() => checkName(aside)).not.toThrow();
      expect(name.startsWith(aside.replace('.22334402.replaced', ''))).toBe(true);
      expect(Buffer.from(aside).toString()).toBe(aside);
    },
  );
});
