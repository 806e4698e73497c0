import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findImports, readSources, type SourceFile, withoutComments } from './support/imports.ts';

/** Which folder of `src` may import which. `config` and `log` may be imported by all but those that are marked apart. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  cli: ['app', 'connection', 'drive', 'state', 'emulator'],
  app: [
    'connection',
    'reading',
    'writing',
    'http',
    'admin',
    'webdav',
    'tree',
    'transfer',
    'drive',
    'aliyun',
    'state',
    'emulator',
  ],
  // The wiring of an account and its drive without a server, which the commands use alone.
  connection: ['drive', 'aliyun', 'state'],
  // The wiring of all that writes.
  reading: ['connection', 'admin', 'transfer', 'drive', 'aliyun', 'state'],
  writing: ['connection', 'webdav', 'tree', 'transfer', 'drive', 'state'],
  http: ['drive'],
  admin: ['drive', 'state'],
  webdav: ['tree', 'transfer', 'drive', 'state'],
  tree: ['drive', 'state'],
  transfer: ['drive', 'state'],
  aliyun: ['drive', 'state'],
  state: ['drive'],
  config: ['drive'],
  log: [],
  drive: [],
  emulator: [],
};

const COMMON = ['config', 'log'];
/** `drive` is what everybody stands on; the emulator is a second reading of the contract, so it shares nothing with the first. */
const APART = ['drive', 'emulator', 'log'];

/** Packages that one folder alone knows. */
const FENCES: Readonly<Record<string, string>> = {
  'webdav-server': 'webdav',
  axios: 'aliyun',
  dotenv: 'config',
  lmdb: 'state',
  'prom-client': 'admin',
};

function findViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ file, source }) => [
    ...findImports(source).flatMap((specifier) => judgeImport(file, specifier)),
    ...judgeEnvironment(file, source),
  ]);
}

function judgeImport(file: string, specifier: string | undefined): string[] {
  const from = toFolder(file);
  if (specifier === undefined) return [`${file} computes what it imports: nobody can tell where that leads`];
  if (!specifier.startsWith('.')) {
    const name = specifier.split('/')[0] ?? '';
    const home = FENCES[name];
    return home === undefined || home === from ? [] : [`${file} imports ${name}, which belongs to ${home} alone`];
  }
  const target = path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier));
  const to = toFolder(target);
  if (to === from) return [];
  const known = ARROWS[from];
  if (!known) return [`${file} is in a folder that has no place yet: say in ARROWS what ${from} may import`];
  const allowed = APART.includes(from) ? known : [...known, ...COMMON];
  if (allowed.includes(to)) return [];
  return [`${file} imports ${target}: ${from} may import ${allowed.join(', ') || 'nothing'}, not ${to}`];
}

function judgeEnvironment(file: string, source: string): string[] {
  const reads = /\bprocess\s*(?:\??\.\s*env|\[)|\benv\b[^;]*\bfrom 'node:process'/.test(withoutComments(source));
  return reads && toFolder(file) !== 'config' ? [`${file} reads the environment, which config alone does`] : [];
}

/** A file at the top is a folder of its own: `app.ts` is `app`. */
function toFolder(file: string): string {
  return (file.split('/')[0] ?? '').replace(/\.ts$/, '');
}

describe('the architecture', () => {
  const files = readSources(path.join(import.meta.dirname, '../src'));

  it('is read from the sources', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(files.flatMap(({ source }) => findImports(source)).length).toBeGreaterThan(files.length);
  });

  it('keeps its arrows and fences', () => {
    expect(findViolations(files)).toEqual([]);
  });
});

describe('this test', () => {
  it.each([
    ['drive/entry.ts', "import type { Logger } from '../log.ts';", 'drive may import nothing, not log'],
    ['tree/names.ts', "import { x } from '../webdav/etag.ts';", 'not webdav'],
    ['transfer/a.ts', "import {\n  x,\n  y,\n} from '../aliyun/storage.ts';", 'not aliyun'],
    ['http/front.ts', "export { x } from '../tree/names.ts';", 'not tree'],
    ['http/front.ts', "export * from '../webdav/server.ts';", 'not webdav'],
    ['webdav/methods/put.ts', "import '../../aliyun/http.ts';", 'not aliyun'],
    ['webdav/a.ts', "const x = await import('../http/front.ts');", 'not http'],
    ['emulator/a.ts', "import type { Entry } from '../drive/entry.ts';", 'emulator may import nothing, not drive'],
    ['aliyun/a.ts', "import { sample } from '../emulator/sample.ts';", 'not emulator'],
    ['aliyun/a.ts', 'import type { T } from "../tree/node.ts";', 'not tree'],
    ['admin/a.ts', "type X = import('../aliyun/http.ts').X;", 'not aliyun'],
    ['cli/main.ts', "import { x } from '../aliyun/http.ts';", 'not aliyun'],
    ['novel/a.ts', "import { x } from '../drive/path.ts';", 'no place yet'],
    ['tree/a.ts', 'const x = await import(name);', 'computes what it imports'],
    ['http/a.ts', "import { v2 } from 'webdav-server';", 'webdav-server, which belongs to webdav alone'],
    ['app.ts', "import { v2 } from 'webdav-server/lib/index.v2.js';", 'belongs to webdav alone'],
    ['transfer/a.ts', "import axios from 'axios';", 'axios, which belongs to aliyun alone'],
    ['cli/a.ts', "import { config } from 'dotenv';", 'dotenv, which belongs to config alone'],
    ['tree/a.ts', "import { open } from 'lmdb';", 'lmdb, which belongs to state alone'],
    ['http/a.ts', "import { Counter } from 'prom-client';", 'prom-client, which belongs to admin alone'],
    ['log.ts', 'const level = process.env.LEVEL;', 'reads the environment'],
    ['app.ts', "import { env } from 'node:process';", 'reads the environment'],
    ['app.ts', "const { PATH } = process['env'];", 'reads the environment'],
  ])('would see %s with %s', (file, source, message) => {
    expect(findViolations([{ file, source }])).toEqual([expect.stringContaining(message)]);
  });

  it.each([
    ['webdav/server.ts', "import { v2 } from 'webdav-server';\nimport { x } from '../tree/names.ts';"],
    ['webdav/methods/get.ts', "import { x } from '../etag.ts';\nimport type { Logger } from '../../log.ts';"],
    [
      'app.ts',
      "import { createFront } from './http/front.ts';\nimport { startEmulator } from './emulator/emulator.ts';",
    ],
    ['config/sources.ts', "import { parse } from 'dotenv';\nconst { HOME } = process.env;"],
    [
      'drive/path.ts',
      "// unlike import { x } from '../tree/names.ts'\n/** process.env is not read here. */\nexport {};",
    ],
    ['tree/a.ts', "import path from 'node:path';\nexport const from = 'import';"],
  ])('lets %s pass with %s', (file, source) => {
    expect(findViolations([{ file, source }])).toEqual([]);
  });
});
