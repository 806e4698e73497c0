import { beforeEach, describe, expect, it } from 'vitest';
import type { Emulator } from '../../../src/emulator/emulator.ts';
import type { StoredEntry } from '../../../src/emulator/store/entry.ts';
import { type Answer, DIALECTS, start, type Writer, writer } from './rig.ts';

let emulator: Emulator;
let clock: number;
let root: StoredEntry;
let docs: StoredEntry;
let file: StoredEntry;

beforeEach(async () => {
  clock = 1_700_000_000_000;
  emulator = await start({ deviceChecks: 'off', now: () => clock });
  root = emulator.store.root(emulator.drives.backup);
  docs = emulator.store.addFolder(root, 'docs');
  file = emulator.store.addFile(root, 'a.txt', 'Hello, world!');
});

/** Every visible path of the drive. */
function paths(folder = root, path = ''): string[] {
  return [...emulator.store.children(folder)]
    .flatMap((entry) => {
      const own = `${path}/${entry.name}`;
      return entry.type === 'folder' ? [own, ...paths(entry, own)] : [own];
    })
    .sort();
}

const seen = ({ status, json }: Answer) => [status, json?.code ?? json?.exist ?? null];

describe.each(DIALECTS)('%s: every change', (dialect) => {
  let caller: Writer;
  const gone = dialect === 'web' ? 'NotFound.File' : 'NotFound.FileId';

  beforeEach(() => {
    caller = writer(emulator, dialect);
  });

  it.each(['update', 'move', 'copy', 'trash', 'remove'] as const)('%s of what is not there is a 404', async (what) => {
    const body = { file_id: '0'.repeat(40), name: 'b', to_parent_file_id: 'root' };
    expect(seen(await caller.do(what, body))).toEqual([404, gone]);
  });

  it.each(['update', 'move', 'copy', 'trash'] as const)('%s of what is in the bin is refused', async (what) => {
    const child = emulator.store.addFile(docs, 'child', 'x');
    emulator.store.trash(docs);
    for (const { fileId } of [docs, child]) {
      const body = { file_id: fileId, name: 'b', to_parent_file_id: 'root' };
      expect(seen(await caller.do(what, body))).toEqual([403, 'ForbiddenFileInTheRecycleBin']);
    }
  });

  it.each(['update', 'move', 'copy', 'trash', 'remove'] as const)('%s leaves the root alone', async (what) => {
    const answer = await caller.do(what, { file_id: 'root', name: 'b', to_parent_file_id: docs.fileId });
    expect(seen(answer)).toEqual([403, 'ForbiddenNoPermission.File']);
  });

  it('renames under the same id, and moves updated_at alone', async () => {
    clock += 5000;
    const { json } = await caller.do('update', { file_id: file.fileId, name: 'b.txt', check_name_mode: 'refuse' });
    expect(json).toMatchObject({
      file_id: file.fileId,
      name: 'b.txt',
      created_at: new Date(clock - 5000).toISOString(),
      updated_at: new Date(clock).toISOString(),
    });
    expect(await caller.names()).toEqual(['docs', 'b.txt']);
  });

  it('renames onto a taken name as the mode says', async () => {
    const other = emulator.store.addFile(root, 'b.txt', 'other');
    const ask = (check_name_mode: string) =>
      caller.do('update', { file_id: file.fileId, name: 'b.txt', check_name_mode });
    const refused = await ask('refuse');
    expect(seen(refused)).toEqual([409, 'AlreadyExist.File']);
    expect(refused.json.message).toMatch(new RegExp(`, file_id ${other.fileId}$`));
    expect((await ask('auto_rename')).json.name).toBe('b(1).txt');
    expect((await ask('ignore')).json.name).toBe('b.txt');
    expect(paths()).toEqual(['/b.txt', '/b.txt', '/docs']);
  });

  it('refuses a name with a slash', async () => {
    expect(seen(await caller.do('update', { file_id: file.fileId, name: 'a/b' }))).toEqual([
      400,
      'InvalidParameter.Name',
    ]);
  });

  it('stars without touching the times', async () => {
    clock += 5000;
    const { json } = await caller.do('update', { file_id: file.fileId, starred: true });
    expect([json.starred, json.updated_at]).toEqual([true, new Date(clock - 5000).toISOString()]);
  });

  it('moves a folder with all below it under the same ids', async () => {
    const inner = emulator.store.addFile(docs, 'inner.txt', 'x');
    const target = emulator.store.addFolder(root, 'target');
    const { status, json } = await caller.do('move', { file_id: docs.fileId, to_parent_file_id: target.fileId });
    expect([status, json.file_id]).toEqual([200, docs.fileId]);
    expect(paths()).toEqual(['/a.txt', '/target', '/target/docs', '/target/docs/inner.txt']);
    expect((await caller.do('get', { file_id: inner.fileId })).json.parent_file_id).toBe(docs.fileId);
  });

  it.each(['move', 'copy'] as const)('%s of a folder into itself or below is refused', async (what) => {
    const inner = emulator.store.addFolder(docs, 'inner');
    for (const to_parent_file_id of [docs.fileId, inner.fileId]) {
      const answer = await caller.do(what, { file_id: docs.fileId, to_parent_file_id });
      expect(seen(answer)).toEqual([400, 'InvalidParameter.ToParentFileId']);
    }
    expect(paths()).toEqual(['/a.txt', '/docs', '/docs/inner']);
  });

  it.each(['move', 'copy'] as const)('%s stays within its drive and puts nothing into a file', async (what) => {
    const away = { to_drive_id: emulator.drives.resource, to_parent_file_id: 'root' };
    expect((await caller.do(what, { file_id: file.fileId, ...away })).status).toBe(400);
    const into = { file_id: docs.fileId, to_parent_file_id: file.fileId };
    expect(seen(await caller.do(what, into))).toEqual([400, 'InvalidResource.ParentFileId']);
  });

  it('copies a file as another one of the same content', async () => {
    clock += 5000;
    const { status, json } = await caller.do('copy', { file_id: file.fileId, to_parent_file_id: docs.fileId });
    expect([status, json.async_task_id]).toEqual([dialect === 'web' ? 201 : 200, undefined]);
    const copy = emulator.store.find(caller.driveId, json.file_id);
    expect(copy).toMatchObject({ name: 'a.txt', parentFileId: docs.fileId, createdAt: clock, content: file.content });
    expect(paths()).toEqual(['/a.txt', '/docs', '/docs/a.txt']);
  });

  it('copies into the same folder beside the original, or under a free name', async () => {
    const to = { file_id: file.fileId, to_parent_file_id: 'root' };
    await caller.do('copy', { ...to, auto_rename: false });
    await caller.do('copy', { ...to, auto_rename: true });
    expect(paths()).toEqual(['/a(1).txt', '/a.txt', '/a.txt', '/docs']);
  });

  it('copies no more than fits', async () => {
    emulator.store.addFile(docs, 'b', 'x'.repeat(20));
    emulator.settings.totalBytes = 50;
    const answer = await caller.do('copy', { file_id: docs.fileId, to_parent_file_id: 'root' });
    expect(seen(answer)).toEqual([403, 'QuotaExhausted.Drive']);
  });

  it('trashes, and still finds it by id', async () => {
    const { status } = await caller.do('trash', { file_id: file.fileId });
    expect(status).toBe(dialect === 'web' ? 204 : 200);
    expect(await caller.names()).toEqual(['docs']);
    const got = await caller.do('get', { file_id: file.fileId });
    expect(got.status).toBe(200);
    if (dialect === 'web') expect(got.json).toMatchObject({ trashed: true, trashed_at: expect.any(String) });
    // The bin still counts.
    expect(emulator.store.usedBytes(caller.driveId)).toBe(13);
  });

  it('deletes for good, from the bin as well and with all below', async () => {
    const inner = emulator.store.addFile(docs, 'inner.txt', 'x');
    emulator.store.trash(docs);
    const { status, json } = await caller.do('remove', { file_id: docs.fileId });
    expect([status, typeof json.async_task_id]).toEqual([dialect === 'web' ? 202 : 200, 'string']);
    for (const { fileId } of [docs, inner])
      expect(seen(await caller.do('get', { file_id: fileId }))).toEqual([404, gone]);
    expect((await caller.do('remove', { file_id: file.fileId })).status).toBe(dialect === 'web' ? 204 : 200);
    expect([paths(), emulator.store.usedBytes(caller.driveId)]).toEqual([[], 0]);
  });

  it('shows in listings after the lag, and at once by id', async () => {
    emulator.settings.listLagMs = 1000;
    await caller.create({ type: 'folder', name: 'new' });
    await caller.do('trash', { file_id: docs.fileId });
    await caller.do('update', { file_id: file.fileId, name: 'b.txt' });
    expect(await caller.names()).toEqual(['docs', 'a.txt']);
    expect((await caller.do('get', { file_id: file.fileId })).json.name).toBe('b.txt');
    clock += 1000;
    expect(await caller.names()).toEqual(['new', 'b.txt']);
    const { json } = await caller.do('move', {
      file_id: file.fileId,
      to_parent_file_id: emulator.store.findChild(root, 'new')?.fileId,
    });
    expect([await caller.names(), await caller.names(json.parent_file_id)]).toEqual([
      ['new', 'b.txt'],
      ['new', 'b.txt'],
    ]);
    clock += 1000;
    expect(await caller.names()).toEqual(['new']);
  });

  it.each(['reset', 'hang', '500'] as const)('takes effect also where its answer is lost by %s', async (how) => {
    emulator.faults.inject({ endpoint: '*', kind: 'lost-answer', how });
    const answer = caller.do('update', { file_id: file.fileId, name: 'b.txt' });
    const outcome = await Promise.race([
      answer.then(
        ({ status }) => status,
        () => 'no answer',
      ),
      new Promise((resolve) => setTimeout(resolve, 200, 'no answer')),
    ]);
    expect(outcome).toBe(how === '500' ? 500 : 'no answer');
    expect(emulator.store.find(caller.driveId, file.fileId)?.name).toBe('b.txt');
    if (how === 'hang') {
      const cut = expect(answer).rejects.toThrow();
      await emulator.setOffline(true);
      await cut;
    }
  });
});

describe('a web move', () => {
  let caller: Writer;
  let taken: StoredEntry;
  const ask = (fields: Record<string, unknown>) =>
    caller.do('move', { file_id: file.fileId, to_parent_file_id: docs.fileId, ...fields });

  beforeEach(() => {
    caller = writer(emulator, 'web');
    taken = emulator.store.addFile(docs, 'a.txt', 'other');
  });

  it('takes a new name along', async () => {
    expect((await ask({ new_name: 'c.txt' })).status).toBe(200);
    expect(paths()).toEqual(['/docs', '/docs/a.txt', '/docs/c.txt']);
    expect((await ask({ new_name: 'd.txt' })).status).toBe(200);
    expect(paths()).toEqual(['/docs', '/docs/a.txt', '/docs/d.txt']);
  });

  it('onto a taken name is refused or makes twins, as it is set', async () => {
    const refused = await ask({});
    expect(seen(refused)).toEqual([409, 'AlreadyExist.File']);
    expect(refused.json.message).toMatch(new RegExp(`, file_id ${taken.fileId}$`));
    emulator.settings.webMoveOntoExisting = 'twin';
    expect(seen(await ask({}))).toEqual([200, null]);
    expect(paths()).toEqual(['/docs', '/docs/a.txt', '/docs/a.txt']);
  });

  it.each([
    [{ overwrite: true }, [200, null], ['/docs', '/docs/a.txt'], true],
    [{ auto_rename: true }, [200, null], ['/docs', '/docs/a(1).txt', '/docs/a.txt'], false],
    [{ check_name_mode: 'refuse' }, [200, true], ['/a.txt', '/docs', '/docs/a.txt'], false],
    [{ check_name_mode: 'ignore' }, [200, null], ['/docs', '/docs/a.txt', '/docs/a.txt'], false],
  ])('onto a taken name with %j', async (fields, outcome, after, isBinned) => {
    expect(seen(await ask(fields))).toEqual(outcome);
    expect(paths()).toEqual(after);
    expect(emulator.store.find(caller.driveId, taken.fileId)?.trashedAt !== undefined).toBe(isBinned);
  });

  it('to where it is changes nothing', async () => {
    clock += 5000;
    expect(seen(await ask({ to_parent_file_id: 'root' }))).toEqual([200, null]);
    expect(emulator.store.find(caller.driveId, file.fileId)?.updatedAt).toBe(clock - 5000);
  });
});

describe('a web copy', () => {
  it('takes a new name, and may overwrite', async () => {
    const caller = writer(emulator, 'web');
    const taken = emulator.store.addFile(docs, 'c.txt', 'other');
    const to = { file_id: file.fileId, to_parent_file_id: docs.fileId, new_name: 'c.txt' };
    await caller.do('copy', { ...to, overwrite: true });
    expect(paths()).toEqual(['/a.txt', '/docs', '/docs/c.txt']);
    expect(emulator.store.find(caller.driveId, taken.fileId)?.trashedAt).toBe(clock);
  });
});

describe('an open move', () => {
  let caller: Writer;
  const ask = (fields: Record<string, unknown>) =>
    caller.do('move', { file_id: file.fileId, to_parent_file_id: docs.fileId, ...fields });

  beforeEach(() => {
    caller = writer(emulator, 'open');
  });

  it('heeds a new name only where the old one is taken', async () => {
    await ask({ new_name: 'c.txt', check_name_mode: 'auto_rename' });
    expect(paths()).toEqual(['/docs', '/docs/a.txt']);
  });

  it.each([
    [{ check_name_mode: 'refuse' }, true, ['/a.txt', '/docs', '/docs/a.txt']],
    [{ check_name_mode: 'ignore' }, false, ['/docs', '/docs/a.txt', '/docs/a.txt']],
    [{}, false, ['/docs', '/docs/a.txt', '/docs/a.txt']],
    [{ check_name_mode: 'auto_rename' }, false, ['/docs', '/docs/a(1).txt', '/docs/a.txt']],
    [{ check_name_mode: 'auto_rename', new_name: 'c.txt' }, false, ['/docs', '/docs/a.txt', '/docs/c.txt']],
  ])('onto a taken name with %j', async (fields, exist, after) => {
    emulator.store.addFile(docs, 'a.txt', 'other');
    expect(seen(await ask(fields))).toEqual([200, exist]);
    expect(paths()).toEqual(after);
  });

  it('and a copy know no new name', async () => {
    await caller.do('copy', { file_id: file.fileId, to_parent_file_id: docs.fileId, new_name: 'c.txt' });
    expect(paths()).toEqual(['/a.txt', '/docs', '/docs/a.txt']);
  });
});
