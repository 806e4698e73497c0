import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { below } from '../../../src/emulator/lookup.ts';
import { extensionOf, sizeOf } from '../../../src/emulator/store/entry.ts';
import { linkTo, signIn, start } from './rig.ts';

describe('the demo drive', () => {
  it('holds something of every kind, and nothing from the future', async () => {
    const { store, drives } = await start({ content: 'demo' });
    const entries = Object.values(drives).flatMap((driveId) => [...below({ store }, store.root(driveId))]);
    const extensions = new Set(entries.filter(({ type }) => type === 'file').map(({ name }) => extensionOf(name)));
    for (const extension of ['md', 'txt', 'jpg', 'png', 'mp3', 'mp4', 'srt', 'livp'])
      expect(extensions).toContain(extension);
    expect(entries.some((entry) => entry.type === 'file' && sizeOf(entry) === 0)).toBe(true);
    expect(entries.some((entry) => sizeOf(entry) >= 20 * 2 ** 30)).toBe(true);
    const many = entries.find(({ name }) => name === '一千个文件');
    expect(many && [...store.children(many)]).toHaveLength(1000);
    expect(entries.filter(({ name }) => /\p{Extended_Pictographic}/u.test(name)).length).toBeGreaterThan(3);
    expect(entries.every(({ createdAt, updatedAt }) => createdAt <= updatedAt && updatedAt < Date.now())).toBe(true);
    expect(new Set(entries.map(({ fileId }) => fileId)).size).toBe(entries.length);
  });

  it.each([
    ['film', '黄昏 (2024).mp4', ['ftyp', 'free', 'mdat', 'moov']],
    ['clip', '清晨 (2024).mp4', ['ftyp', 'moov', 'free', 'mdat']],
  ])('has a %s whose atoms are %s: %j', async (_what, name, expected) => {
    const emulator = await start({ content: 'demo' });
    const root = emulator.store.root(emulator.drives.resource);
    const film = [...below(emulator, root)].find((entry) => entry.name === name);
    if (!film) throw new Error('There is no such film.');
    const response = await fetch(await linkTo(await signIn(emulator, 'open'), 'open', film));
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(createHash('sha1').update(bytes).digest('hex').toUpperCase()).toBe(film.content?.digests()?.sha1);
    const atoms = [];
    for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at))
      atoms.push(bytes.toString('latin1', at + 4, at + 8));
    expect(atoms).toEqual(expected);
  });
});
