import { describe, expect, it } from 'vitest';
import { DriveError } from '../../../src/drive/errors.ts';
import { DriveWriter, type DriveWriterDeps } from '../../../src/tree/drive-writer.ts';
import type { Slot } from '../../../src/tree/slot.ts';
import { makeEntry, makeFolder } from './fake-drive.ts';

const SLOT: Slot = {
  path: '/a.txt',
  parent: { name: '', entry: makeFolder('', { id: 'root' }) },
  name: 'a.txt',
  serviceName: 'a.txt',
  node: { name: 'a.txt', entry: makeEntry('a.txt') },
};

function makeWriter(failing?: 'uploads' | 'operations') {
  const log: string[] = [];
  const settle = (who: 'uploads' | 'operations') => async (names: readonly { readonly name: string }[]) => {
    log.push(`${who} ${names.map(({ name }) => name)}`);
    if (failing === who) throw new DriveError('unavailable', 'nobody knows yet');
  };
  const deps = {
    claims: {
      claim: async () => {
        log.push('claimed');
        return () => log.push('released');
      },
    },
    uploads: { settleAt: settle('uploads') },
    operations: { settleAt: settle('operations') },
  } as unknown as DriveWriterDeps;
  return { writer: new DriveWriter(deps), log };
}

describe('a claim', () => {
  it('has what was interrupted there brought to its end, uploads and operations, while it is held', async () => {
    const { writer, log } = makeWriter();
    const release = await writer.claim([SLOT]);
    expect(log).toEqual(['claimed', 'uploads a.txt', 'operations a.txt']);
    release();
    expect(log.at(-1)).toBe('released');
  });

  it.each(['uploads', 'operations'] as const)('is given back where %s cannot be settled', async (failing) => {
    const { writer, log } = makeWriter(failing);
    await expect(writer.claim([SLOT])).rejects.toMatchObject({ code: 'unavailable' });
    expect(log.at(-1)).toBe('released');
  });
});
