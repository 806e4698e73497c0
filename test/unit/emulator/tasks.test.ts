import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Emulator } from '../../../src/emulator/emulator.ts';
import type { StoredEntry } from '../../../src/emulator/store/entry.ts';
import { DIALECTS, start, type Writer, writer } from './rig.ts';

let emulator: Emulator;
let root: StoredEntry;
let docs: StoredEntry;

beforeEach(async () => {
  emulator = await start({ deviceChecks: 'off' });
  root = emulator.store.root(emulator.drives.backup);
  docs = emulator.store.addFolder(root, 'docs');
  const inner = emulator.store.addFolder(docs, 'inner');
  for (let number = 1; number <= 9; number++) emulator.store.addFile(inner, `${number}.txt`, 'x');
});

function count(folder: StoredEntry | undefined): number {
  let sum = 0;
  for (const child of folder ? emulator.store.children(folder) : []) {
    sum += 1 + (child.type === 'folder' ? count(child) : 0);
  }
  return sum;
}

describe.each(DIALECTS)('%s: a folder', (dialect) => {
  let caller: Writer;
  const stateOf = async (id: string): Promise<string> => (await caller.do('task', { async_task_id: id })).json.state;
  const copyDocs = async () => {
    const { json } = await caller.do('copy', { file_id: docs.fileId, to_parent_file_id: 'root', auto_rename: true });
    return { id: json.async_task_id, copy: emulator.store.find(caller.driveId, json.file_id) };
  };

  beforeEach(() => {
    caller = writer(emulator, dialect);
  });

  it('is copied at once where no time is set', async () => {
    const { id, copy } = await copyDocs();
    expect([await stateOf(id), copy?.name, count(copy)]).toEqual(['Succeed', 'docs(1)', 10]);
  });

  it('is copied bit by bit in the set time', async () => {
    emulator.settings.taskMs = 300;
    const { id, copy } = await copyDocs();
    expect([await stateOf(id), count(copy), emulator.tasks.runningCount]).toEqual(['Running', 0, 1]);
    await expect.poll(() => count(copy), { interval: 10 }).toBeGreaterThan(0);
    expect(count(copy)).toBeLessThan(10);
    await expect.poll(() => stateOf(id), { interval: 20 }).toBe('Succeed');
    expect([count(copy), emulator.tasks.runningCount]).toEqual([10, 0]);
  });

  it.each([
    ['Failed', 5],
    ['PartialSucceed', 9],
  ] as const)('whose copy ends as %s is there in part', async (state, present) => {
    emulator.faults.inject({ endpoint: '*', kind: 'task', state });
    const { id, copy } = await copyDocs();
    expect([await stateOf(id), count(copy)]).toEqual([state, present]);
    expect(await stateOf((await copyDocs()).id)).toBe('Succeed');
  });

  it.each(['trash', 'remove'] as const)('is gone at once by %s, whose task goes on', async (how) => {
    emulator.settings.taskMs = 100;
    const { json } = await caller.do(how, { file_id: docs.fileId });
    expect([await stateOf(json.async_task_id), await caller.names()]).toEqual(['Running', []]);
    await sleep(130);
    await expect.poll(() => stateOf(json.async_task_id), { interval: 20 }).toBe('Succeed');
  });

  it('stays where the task of its trash is to fail', async () => {
    emulator.faults.inject({ endpoint: '*', kind: 'task', state: 'Failed' });
    const { json } = await caller.do('trash', { file_id: docs.fileId });
    expect([await stateOf(json.async_task_id), await caller.names()]).toEqual(['Failed', ['docs']]);
  });

  it('can go while it is being copied', async () => {
    emulator.settings.taskMs = 100;
    const { id, copy } = await copyDocs();
    await caller.do('remove', { file_id: copy?.fileId });
    await caller.do('remove', { file_id: docs.fileId });
    await expect.poll(() => stateOf(id), { interval: 20 }).toBe('Succeed');
    expect(await caller.names()).toEqual([]);
  });

  it('that nobody works on is a task unknown', async () => {
    const { status, json } = await caller.do('task', { async_task_id: 'x' });
    expect([status, json.code]).toEqual([404, 'NotFound.AsyncTask']);
  });
});

describe('the recycle bin of the web API', () => {
  let caller: Writer;
  const bin = (body: Record<string, unknown> = {}) =>
    caller.post('/v2/recyclebin/list', { drive_id: caller.driveId, order_by: 'name', order_direction: 'ASC', ...body });

  beforeEach(() => {
    caller = writer(emulator, 'web');
  });

  it('lists what was put into it, page by page, and gives it back', async () => {
    for (const name of ['a', 'b', 'c']) emulator.store.trash(emulator.store.addFile(root, name, name));
    const first = await bin({ limit: 2 });
    const rest = await bin({ limit: 2, marker: first.json.next_marker });
    const items = [...first.json.items, ...rest.json.items];
    expect(items.map((item) => [item.name, item.trashed])).toEqual(['a', 'b', 'c'].map((name) => [name, true]));
    expect(rest.json.next_marker).toBe('');
    const key = { drive_id: caller.driveId, file_id: items[1].file_id };
    expect((await caller.post('/v2/recyclebin/restore', key)).status).toBe(204);
    expect([await caller.names(), (await bin()).json.items.length]).toEqual([['docs', 'b'], 2]);
    expect((await caller.post('/v2/recyclebin/restore', key)).status).toBe(404);
  });

  it('gives a folder back with all below it, and to the root what has no place any more', async () => {
    const inner = emulator.store.findChild(docs, 'inner');
    if (!inner) throw new Error('There is no inner folder.');
    emulator.store.trash(inner);
    emulator.store.delete(docs);
    const { status, json } = await caller.post('/v2/recyclebin/restore', {
      drive_id: caller.driveId,
      file_id: inner.fileId,
    });
    expect([status, typeof json.async_task_id]).toEqual([202, 'string']);
    expect([await caller.names(), (await caller.names(inner.fileId)).length]).toEqual([['inner'], 9]);
  });

  it('is emptied for good', async () => {
    emulator.store.trash(docs);
    const { status, json } = await caller.post('/v2/recyclebin/clear', { drive_id: caller.driveId });
    expect([status, json.task_id]).toEqual([202, json.async_task_id]);
    expect([(await bin()).json.items, emulator.store.usedBytes(caller.driveId)]).toEqual([[], 0]);
  });
});

describe('across the drives of the web API', () => {
  it.each([
    ['crossDriveCopy', 1],
    ['crossDriveMove', 0],
  ])('%s', async (call, left) => {
    const caller = writer(emulator, 'web');
    const { status, json } = await caller.post(`/adrive/v2/file/${call}`, {
      from_drive_id: emulator.drives.backup,
      from_file_ids: [docs.fileId],
      to_drive_id: emulator.drives.resource,
      to_parent_fileId: 'root',
    });
    expect([status, json.items[0].status, json.items[0].source_file_id]).toEqual([200, 202, docs.fileId]);
    const copy = emulator.store.find(emulator.drives.resource, json.items[0].file_id);
    expect([copy?.name, count(copy)]).toEqual(['docs', 10]);
    expect(await caller.names()).toHaveLength(left);
  });
});

describe('a batch', () => {
  it('changes things one after another, each with its own status', async () => {
    const caller = writer(emulator, 'web');
    const file = emulator.store.addFile(root, 'a.txt', 'x');
    const part = (id: string, url: string, body: Record<string, unknown>) => ({
      id,
      method: 'POST',
      url,
      body: { drive_id: caller.driveId, ...body },
    });
    const { json } = await caller.post('/v3/batch', {
      resource: 'file',
      requests: [
        part('1', '/file/update', { file_id: file.fileId, name: 'b.txt' }),
        part('2', '/file/move', { file_id: file.fileId, to_parent_file_id: docs.fileId }),
        part('3', '/file/copy', { file_id: file.fileId, to_parent_file_id: 'root' }),
        part('4', '/recyclebin/trash', { file_id: file.fileId }),
        part('5', '/recyclebin/restore', { file_id: file.fileId }),
        part('6', '/file/delete', { file_id: file.fileId }),
        part('7', '/file/delete', { file_id: docs.fileId }),
        part('8', '/file/delete', { file_id: docs.fileId }),
        part('9', '/file/unknown', {}),
      ],
    });
    const statuses = json.responses.map((response: { status: number }) => response.status);
    expect(statuses).toEqual([200, 200, 201, 204, 204, 204, 202, 404, 404]);
    expect('body' in json.responses[3]).toBe(false);
    expect(await caller.names()).toEqual(['b.txt']);
  });
});
