import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDrive } from './drive-view.ts';
import { unmount } from './mounts.ts';
import { run } from './programs.ts';
import { makeScratch, removeScratch } from './scratch.ts';
import { type LoginKind, type Stack, startStack } from './stack.ts';

/** What `describeMountWork` needs besides the program that mounts. */
export const WORK_PROGRAMS = ['git', 'rsync', 'unzip', 'zip', 'dd'] as const;

/** Where a mount is and what it shows. */
export interface MountPlace {
  readonly stack: Stack;
  readonly mount: string;
  /** A folder for what the program keeps, that of the mount and `cache` among it. */
  readonly scratch: string;
}

/** A program that shows the drive as a folder. */
export interface MountProgram {
  readonly env?: Readonly<Record<string, string>>;
  start(place: MountPlace): Promise<void>;
  /** Ends the mount when it has handed over what it has not sent yet. */
  end(place: MountPlace): Promise<void>;
}

/** What people and their programs do in a mounted folder: $1 is the folder, $2 where the originals are. */
const WORK = `
set -e
cd "$1"
mkdir -p docs
printf 'first draft\\n' >docs/letter.txt
printf 'second draft\\n' >docs/.letter.txt.tmp
mv docs/.letter.txt.tmp docs/letter.txt
printf 'third\\n' >>docs/letter.txt
cp docs/letter.txt docs/copy.txt
printf 'backup' >docs/copy.txt~
rm docs/copy.txt~
git clone -q "$2/repository" repository
cd repository
git config user.email mimi@example.org
git config user.name mimi
printf 'changed in the mount\\n' >>README
git commit -qam 'changed in the mount'
git fsck --strict
cd ..
rsync -r --whole-file "$2/tree/" synced/
`;
const UNZIP = 'unzip -q "$2/thousand.zip" -d "$1/thousand"';
const TWO_GIB = 2 * 2 ** 30;

/** Each small file costs two calls at least, of fifteen a second, and locks and parts take the time between. */
const PATIENCE_MS = 420_000;

/**
 * Works in a mount as people do, and holds what the service then has against the originals, byte for byte.
 * @param amount `much` has a thousand small files and one of 2 GiB besides
 */
export function describeMountWork(kind: LoginKind, amount: 'some' | 'much', program: MountProgram): void {
  describe(`over a login of kind ${kind}`, () => {
    let place: MountPlace | undefined;
    let originals: string;

    /** Runs a script in the mount and ends the mount. */
    async function work(script: string): Promise<MountPlace> {
      if (!place) throw new Error('Nothing is mounted.');
      await program.start(place);
      const outcome = await run('sh', ['-c', script, 'sh', place.mount, originals], { timeoutMs: PATIENCE_MS });
      expect(outcome).toMatchObject({ code: 0 });
      await program.end(place);
      return place;
    }

    beforeAll(async () => {
      const stack = await startStack({ kind, env: program.env ?? {} });
      const scratch = await makeScratch();
      place = { stack, scratch, mount: `${scratch}/mount` };
      originals = `${scratch}/originals`;
      await Promise.all([mkdir(place.mount), mkdir(`${scratch}/cache`), mkdir(originals)]);
      await makeOriginals(originals);
    });
    afterAll(async () => {
      if (!place) return;
      await unmount(place.mount);
      await place.stack.close();
      await removeScratch(place.scratch);
    });

    it('an editor’s save, git and rsync arrive byte for byte', { timeout: PATIENCE_MS }, async () => {
      const { stack } = await work(WORK);
      await expectWorkDone(stack, originals);
      // What git wrote there is a repository for everybody else, and nothing was changed by looking at it.
      const before = readDrive(stack).size;
      const { mount } = await work('git -C "$1/repository" log --format=%s >"$2/log" && git -C "$1/repository" status');
      expect(mount).not.toBe('');
      const log = await run('cat', [`${originals}/log`]);
      expect(log.stdout).toBe('changed in the mount\ncommit 3\ncommit 2\ncommit 1\n');
      expect(readDrive(stack).size).toBe(before);
    });

    it.runIf(amount === 'much')('a thousand unzipped files do', { timeout: PATIENCE_MS }, async () => {
      const { stack } = await work(UNZIP);
      expectNoneDoubled(stack);
      await expectTree(stack, `${originals}/thousand`, '/thousand', 1000);
    });

    it.runIf(amount === 'much')('2 GiB of dd do', { timeout: PATIENCE_MS }, async () => {
      const piece = 'dd if=/dev/urandom of="$2/piece" bs=1M count=64 status=none';
      const whole = 'for n in $(seq 32); do cat "$2/piece"; done >"$2/two-gib"';
      const copy = 'dd if="$2/two-gib" of="$1/two-gib" bs=1M status=none';
      const { stack } = await work(`set -e\n${piece}\n${whole}\n${copy}`);
      expect(readDrive(stack).get('/two-gib')).toMatchObject([{ content: { size: TWO_GIB } }]);
      await expectStored(stack, '/two-gib', await sha1OfFile(`${originals}/two-gib`));
    });
  });
}

/** Makes the originals: a repository, a tree, a zip of a thousand files. */
async function makeOriginals(folder: string): Promise<void> {
  await mkdir(`${folder}/tree/中文 目录/deep`, { recursive: true });
  await writeFile(`${folder}/tree/a.bin`, Buffer.alloc(700_000, 'tree'));
  await writeFile(`${folder}/tree/empty`, '');
  await writeFile(`${folder}/tree/中文 目录/deep/b & c.txt`, 'b & c');
  await mkdir(`${folder}/thousand`);
  for (let index = 0; index < 1000; index++) await writeFile(`${folder}/thousand/${index}.txt`, `file ${index}\n`);
  const script = `set -e
    cd "$1/thousand" && zip -q -r ../thousand.zip .
    git init -q "$1/repository" && cd "$1/repository"
    git config user.email mimi@example.org && git config user.name mimi
    for n in 1 2 3; do printf '%s\\n' "$n" >>README; git add README; git commit -qm "commit $n"; done`;
  expect(await run('sh', ['-c', script, 'sh', folder])).toMatchObject({ code: 0 });
}

async function expectWorkDone(stack: Stack, originals: string): Promise<void> {
  expectNoneDoubled(stack);
  const letter = 'second draft\nthird\n';
  await expectStored(stack, '/docs/letter.txt', sha1(letter));
  await expectStored(stack, '/docs/copy.txt', sha1(letter));
  await expectTree(stack, `${originals}/tree`, '/synced', 3);
  await expectStored(stack, '/repository/README', sha1('1\n2\n3\nchanged in the mount\n'));
  // No name that a program has only written under for a while is left; git's own end in `.lock` and begin with `tmp_`.
  expect([...readDrive(stack).keys()].filter((name) => /\.tmp$|\/tmp_|~$|\.lock$|\/\.fuse_hidden/.test(name))).toEqual(
    [],
  );
}

function expectNoneDoubled(stack: Stack): void {
  const doubled = [...readDrive(stack)].filter(([, entries]) => entries.length > 1).map(([name]) => name);
  expect(doubled).toEqual([]);
}

/** Every file of a folder of this machine, and no other. */
async function expectTree(stack: Stack, folder: string, at: string, count: number): Promise<void> {
  const files = await filesOf(folder);
  expect(files).toHaveLength(count);
  for (const file of files) await expectStored(stack, `${at}/${file}`, await sha1OfFile(`${folder}/${file}`));
  const stored = [...readDrive(stack)].filter(([name, [entry]]) => name.startsWith(`${at}/`) && entry?.type === 'file');
  expect(stored).toHaveLength(count);
}

async function expectStored(stack: Stack, at: string, digest: string): Promise<void> {
  const [entry] = readDrive(stack).get(at) ?? [];
  const hash = createHash('sha1');
  if (entry?.content) await pipeline(entry.content.open(0, entry.content.size), hash);
  expect([at, entry && hash.digest('hex')]).toEqual([at, digest]);
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}

async function sha1OfFile(file: string): Promise<string> {
  const hash = createHash('sha1');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}
