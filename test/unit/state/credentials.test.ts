import { chmod, mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Credentials, hasHeldAccount, hashLogin, openCredentials } from '../../../src/state/credentials.ts';
import { temporaryFolder } from './temporary-folder.ts';

const LOGIN: Credentials = {
  userId: 'aaaaaaaabbbbccccddddeeeeeeeeeeee',
  kind: 'page',
  accessToken: 'access-1',
  accessTokenExpiresAt: 7_200_000,
  refreshToken: 'refresh-2',
  previousRefreshToken: 'refresh-1',
  refreshedAt: 1000,
  signedInAt: 500,
  loginHashes: [hashLogin('refresh-0')],
  others: {},
};

async function storeText(text: string): Promise<{ dir: string; file: string }> {
  const dir = await temporaryFolder();
  await mkdir(path.join(dir, 'accounts'));
  const file = path.join(dir, 'accounts', `${LOGIN.userId}.json`);
  await writeFile(file, text);
  return { dir, file };
}

describe('openCredentials', () => {
  it('has none at first', async () => {
    const dir = await temporaryFolder();
    expect(await openCredentials(dir).load()).toEqual({ accounts: [], damaged: [] });
    expect(await hasHeldAccount(dir)).toBe(false);
  });

  it('gives back what was saved', async () => {
    const dir = await temporaryFolder();
    await openCredentials(dir).save(LOGIN);
    const { accounts, damaged } = await openCredentials(dir).load();
    expect(accounts).toEqual([{ ...LOGIN, others: { version: 1 } }]);
    expect(damaged).toEqual([]);
    expect(await hasHeldAccount(dir)).toBe(true);
  });

  it('lets nobody else read them', async () => {
    const dir = path.join(await temporaryFolder(), 'new');
    await openCredentials(dir).save(LOGIN);
    const modes = await Promise.all(
      [dir, path.join(dir, 'accounts'), path.join(dir, 'accounts', `${LOGIN.userId}.json`)].map(
        async (name) => (await stat(name)).mode & 0o777,
      ),
    );
    expect(modes).toEqual([0o700, 0o700, 0o600]);
  });

  it('tightens a file that others could read', async () => {
    const { dir, file } = await storeText('{}');
    await chmod(file, 0o644);
    await openCredentials(dir).save(LOGIN);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('keeps the fields of a newer version', async () => {
    const { dir, file } = await storeText(
      JSON.stringify({ version: 7, userId: LOGIN.userId, kind: 'app', refreshToken: 'r', scopes: ['a'] }),
    );
    const [found] = (await openCredentials(dir).load()).accounts;
    expect(found).toMatchObject({ kind: 'app', refreshToken: 'r', accessToken: undefined, loginHashes: [] });
    if (found) await openCredentials(dir).save({ ...found, refreshToken: 's' });
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ version: 7, scopes: ['a'], refreshToken: 's' });
  });

  it.each([
    ['an empty file', '', 'it is empty'],
    ['half a file', '{"userId": "aaaa", "refresh', 'it is no JSON'],
    ['another thing', '[1]', 'no JSON object'],
    ['no tokens', '{"userId":"a","kind":"page"}', 'it lacks'],
    ['an unknown kind', '{"version":9,"userId":"a","kind":"x","refreshToken":"r"}', 'newer version'],
  ])('reports %s and leaves it alone', async (_, text, why) => {
    const { dir, file } = await storeText(text);
    const { accounts, damaged } = await openCredentials(dir).load();
    expect(accounts).toEqual([]);
    expect(damaged.map(({ message }) => message)).toEqual([expect.stringContaining(why)]);
    expect(damaged[0]?.message).toContain(file);
    expect(damaged[0]?.message).toContain('alidav login');
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  it('quotes nothing of a damaged file', async () => {
    const { dir } = await storeText('{"refreshToken": "0123456789abcdef');
    const { damaged } = await openCredentials(dir).load();
    expect(`${damaged[0]?.message} ${damaged[0]?.cause} ${damaged[0]?.stack}`).not.toContain('0123456789abcdef');
  });

  it('reports a file that is a folder, or cannot be read', async () => {
    const dir = await temporaryFolder();
    await mkdir(path.join(dir, 'accounts', 'x.json'), { recursive: true });
    const { damaged } = await openCredentials(dir).load();
    expect(damaged[0]?.message).toContain('it cannot be read (EISDIR)');
  });

  it('names the folder when it cannot be listed', async () => {
    const dir = await temporaryFolder();
    await writeFile(path.join(dir, 'accounts'), '');
    await expect(openCredentials(dir).load()).rejects.toThrow(path.join(dir, 'accounts'));
    expect(await hasHeldAccount(dir)).toBe(true);
  });

  it('keeps a damaged file under another name when a new login takes its place', async () => {
    const { dir } = await storeText('{"refreshTok');
    await openCredentials(dir, () => 42).save(LOGIN);
    const names = (await readdir(path.join(dir, 'accounts'))).sort();
    expect(names).toEqual([`${LOGIN.userId}.json`, `${LOGIN.userId}.json.damaged-42`]);
    expect(await readFile(path.join(dir, 'accounts', names[1] ?? ''), 'utf8')).toBe('{"refreshTok');
  });

  it('sweeps what a killed writer left, not what another one is writing', async () => {
    const { dir, file } = await storeText('{}');
    const folder = path.dirname(file);
    const [old, young] = ['old', 'young'].map((name) => path.join(folder, `.${path.basename(file)}.${name}.tmp`));
    await writeFile(old ?? '', 'secret');
    await writeFile(young ?? '', 'secret');
    await utimes(old ?? '', 0, 0);
    await openCredentials(dir).save(LOGIN);
    const names = await readdir(folder);
    expect(names).not.toContain(path.basename(old ?? ''));
    expect(names).toContain(path.basename(young ?? ''));
    expect((await openCredentials(dir).load()).damaged).toEqual([]);
  });

  it.each(['../../escape', 'a/b', '', '.', 'x'.repeat(300)])(
    'stays in its folder for the user id %j',
    async (userId) => {
      const dir = await temporaryFolder();
      await openCredentials(dir).save({ ...LOGIN, userId });
      expect(await readdir(dir)).toEqual(['accounts']);
      expect(await readdir(path.join(dir, 'accounts'))).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.json$/)]);
    },
  );

  it('tells beforehand that nothing could be saved, and makes no folder for that', async () => {
    const dir = await temporaryFolder();
    await openCredentials(dir).checkWritable();
    expect(await hasHeldAccount(dir)).toBe(false);
    const file = path.join(dir, 'file');
    await writeFile(file, '');
    await expect(openCredentials(path.join(file, 'state')).checkWritable()).rejects.toThrow('ENOTDIR');
  });
});
