import { describe, expect, it } from 'vitest';
import type { DriveInfo } from '../../../src/drive/drive.ts';
import { DriveError } from '../../../src/drive/errors.ts';
import { createLayout, type DriveSetting } from '../../../src/tree/layout.ts';
import { FakeDrive } from './fake-drive.ts';
import { silentLog } from './make-tree.ts';
import { MemoryStore } from './memory-store.ts';

const BOTH: DriveInfo[] = [
  { driveId: '1', role: 'backup' },
  { driveId: '2', role: 'resource' },
];
const OLD_ACCOUNT: DriveInfo[] = [{ driveId: '1', role: 'default' }];
const BACKUP = { driveId: '1', name: '备份盘' };
const RESOURCE = { driveId: '2', name: '资源库' };

function makeLayout(drives: DriveInfo[], setting: DriveSetting, store = new MemoryStore()) {
  const drive = new FakeDrive();
  drive.account = { userId: 'u1', nickName: 'n', drives };
  const layout = createLayout({ drive, store, userId: async () => 'u1', setting, log: silentLog });
  return { drive, store, layout };
}

describe('createLayout', () => {
  it.each<[DriveSetting, DriveInfo[], unknown]>([
    ['all', BOTH, [BACKUP, RESOURCE]],
    ['all', OLD_ACCOUNT, [BACKUP]],
    [
      'all',
      [
        { driveId: '1', role: 'default' },
        { driveId: '2', role: 'resource' },
      ],
      [BACKUP, RESOURCE],
    ],
    [
      'all',
      [
        { driveId: '1', role: 'backup' },
        { driveId: '1', role: 'resource' },
      ],
      [BACKUP],
    ],
    ['all', [{ driveId: '2', role: 'resource' }], [RESOURCE]],
    ['default', BOTH, [BACKUP]],
    ['default', [{ driveId: '3', role: 'default' }, ...BOTH], [{ driveId: '3', name: '备份盘' }]],
    ['backup', BOTH, [BACKUP]],
    ['backup', OLD_ACCOUNT, [BACKUP]],
    ['resource', BOTH, [RESOURCE]],
  ])('%s of %j serves %j', async (setting, drives, served) => {
    const { layout } = makeLayout(drives, setting);
    expect(layout.peekDrives()).toBeUndefined();
    expect(await layout.getDrives()).toEqual(served);
    expect(layout.peekDrives()).toEqual(served);
  });

  it.each<[DriveSetting, DriveInfo[]]>([
    ['resource', OLD_ACCOUNT],
    ['backup', [{ driveId: '2', role: 'resource' }]],
    ['all', []],
  ])('%s of %j is refused by name, and asked for again', async (setting, drives) => {
    const { drive, store, layout } = makeLayout(drives, setting);
    const refusal = { code: 'unavailable', message: expect.stringContaining(`ALIDAV_DRIVE is "${setting}"`) };
    await expect(layout.getDrives()).rejects.toMatchObject(refusal);
    expect(store.values.size).toBe(0);
    drive.account = { ...drive.account, drives: BOTH };
    expect(await layout.getDrives()).not.toEqual([]);
  });

  it('remembers what the first sign-in found, whatever later answers lack, and asks no more', async () => {
    const { store, layout } = makeLayout(BOTH, 'all');
    await Promise.all([layout.getDrives(), layout.getDrives()]);
    const later = makeLayout(OLD_ACCOUNT, 'all', store);
    later.drive.failure = new DriveError('unavailable', 'offline');
    expect(await later.layout.getDrives()).toEqual([BACKUP, RESOURCE]);
    expect(later.drive.accountCalls).toBe(0);
    expect([...store.values.keys()]).toEqual(['["u1","v1","layout"]']);
  });

  it('changes with the setting', async () => {
    const { store, layout } = makeLayout(BOTH, 'all');
    await layout.getDrives();
    const other = makeLayout(BOTH, 'resource', store);
    expect(await other.layout.getDrives()).toEqual([RESOURCE]);
    expect(await makeLayout([], 'resource', store).layout.getDrives()).toEqual([RESOURCE]);
  });

  it('asks once for all who wait, and again after a failure', async () => {
    const { drive, layout } = makeLayout(BOTH, 'all');
    drive.failure = new DriveError('unavailable', 'offline');
    const outcomes = await Promise.allSettled([layout.getDrives(), layout.getDrives(), layout.getDrives()]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(drive.accountCalls).toBe(1);
    drive.failure = undefined;
    expect(await layout.getDrives()).toEqual([BACKUP, RESOURCE]);
    expect(drive.accountCalls).toBe(2);
  });

  it('lets a waiter leave', async () => {
    const { drive, layout } = makeLayout(BOTH, 'all');
    drive.failure = new DriveError('unavailable', 'offline');
    await expect(layout.getDrives(AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
    drive.failure = undefined;
    expect(await layout.getDrives()).toHaveLength(2);
  });

  it('follows a process that was faster', async () => {
    const { drive, store, layout } = makeLayout(BOTH, 'all');
    const fetchAccount = drive.fetchAccount.bind(drive);
    drive.fetchAccount = async () => {
      await store.put(['u1', 'v1', 'layout'], { setting: 'all', drives: [RESOURCE] });
      return fetchAccount();
    };
    expect(await layout.getDrives()).toEqual([RESOURCE]);
  });

  it.each([[null], ['x'], [{ setting: 'all' }], [{ setting: 'all', drives: [] }], [{ setting: 'all', drives: [{}] }]])(
    'takes a stored %j for nothing remembered',
    async (stored) => {
      const { store, layout } = makeLayout(BOTH, 'all');
      await store.put(['u1', 'v1', 'layout'], stored);
      expect(await layout.getDrives()).toEqual([BACKUP, RESOURCE]);
    },
  );
});
