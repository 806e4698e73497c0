import type { AskOptions } from '../e2e/requests.ts';
import type { LoginKind } from './stack.ts';

/** Files by path with their content; a folder's is null. */
export type Drive = Readonly<Record<string, string | Buffer | null>>;

type Api = 'web' | 'open';

/** Something that a client asks for, whole or not at all. */
export interface WriteOperation {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly options: AskOptions;
  readonly before: Drive;
  readonly after: Drive;
  /** What it asks the service for, in order; parts are `upload`. */
  readonly calls: Readonly<Record<Api, readonly string[]>>;
}

const OLD = 'the old content';
const NEW = 'the new content, which is longer';
const OTHER = 'what lies elsewhere';
/** Three parts, with as little memory for uploads as the settings allow. */
const LONG = Buffer.alloc(9 * 2 ** 20, 'a body of several parts ');
const FOLDER: Drive = { '/from': null, '/from/x.txt': NEW, '/from/sub': null, '/from/sub/y.txt': OTHER };
const COPIED: Drive = { '/to': null, '/to/x.txt': NEW, '/to/sub': null, '/to/sub/y.txt': OTHER };

const PATHS: Readonly<Record<Api, Readonly<Record<string, string>>>> = {
  web: {
    create: '/adrive/v2/file/createWithFolders',
    complete: '/v2/file/complete',
    update: '/v3/file/update',
    move: '/v3/file/move',
    copy: '/v2/file/copy',
    get: '/v2/file/get',
    task: '/v2/async_task/get',
    trash: '/v2/recyclebin/trash',
  },
  open: {
    create: '/adrive/v1.0/openFile/create',
    complete: '/adrive/v1.0/openFile/complete',
    update: '/adrive/v1.0/openFile/update',
    move: '/adrive/v1.0/openFile/move',
    copy: '/adrive/v1.0/openFile/copy',
    get: '/adrive/v1.0/openFile/get',
    task: '/adrive/v1.0/openFile/async_task/get',
    trash: '/adrive/v1.0/openFile/recyclebin/trash',
  },
};

function calls(web: string, open: string): WriteOperation['calls'] {
  const toPaths = (api: Api, names: string) => names.split(' ').map((name) => PATHS[api][name] ?? name);
  return { web: toPaths('web', web), open: toPaths('open', open) };
}

function to(path: string): AskOptions {
  return { headers: { Destination: path } };
}

export const WRITE_OPERATIONS: readonly WriteOperation[] = [
  {
    name: 'PUT of a new file',
    method: 'PUT',
    path: '/a.txt',
    options: { body: NEW },
    before: {},
    after: { '/a.txt': NEW },
    calls: calls('create upload complete', 'create upload complete'),
  },
  {
    name: 'PUT of known content',
    method: 'PUT',
    path: '/a.txt',
    options: { body: NEW },
    before: { '/known.txt': NEW },
    after: { '/known.txt': NEW, '/a.txt': NEW },
    calls: calls('create', 'create'),
  },
  {
    name: 'PUT of an empty file',
    method: 'PUT',
    path: '/a.txt',
    options: { body: '' },
    before: {},
    after: { '/a.txt': '' },
    calls: calls('create', 'create'),
  },
  {
    name: 'PUT of several parts',
    method: 'PUT',
    path: '/a.txt',
    options: { body: LONG },
    before: { '/a.txt': OLD },
    after: { '/a.txt': LONG },
    calls: calls('create upload upload upload complete', 'create upload upload upload complete trash'),
  },
  {
    name: 'PUT over a file',
    method: 'PUT',
    path: '/a.txt',
    options: { body: NEW },
    before: { '/a.txt': OLD, '/b.txt': OTHER },
    after: { '/a.txt': NEW, '/b.txt': OTHER },
    calls: calls('create upload complete', 'create upload complete trash'),
  },
  {
    name: 'PUT of known content over a file',
    method: 'PUT',
    path: '/a.txt',
    options: { body: NEW },
    before: { '/a.txt': OLD, '/known.txt': NEW },
    after: { '/a.txt': NEW, '/known.txt': NEW },
    calls: calls('create', 'create trash'),
  },
  {
    name: 'MOVE to a free name',
    method: 'MOVE',
    path: '/a.txt',
    options: to('/dir/b.txt'),
    before: { '/a.txt': NEW, '/dir': null },
    after: { '/dir/b.txt': NEW, '/dir': null },
    calls: calls('move', 'move update'),
  },
  {
    name: 'MOVE over a file beside it',
    method: 'MOVE',
    path: '/b.txt',
    options: to('/a.txt'),
    before: { '/a.txt': OLD, '/b.txt': NEW },
    after: { '/a.txt': NEW },
    calls: calls('move get get', 'update trash'),
  },
  {
    name: 'MOVE over a file elsewhere',
    method: 'MOVE',
    path: '/b.txt',
    options: to('/dir/a.txt'),
    before: { '/dir': null, '/dir/a.txt': OLD, '/b.txt': NEW },
    after: { '/dir': null, '/dir/a.txt': NEW },
    calls: calls('move get get', 'move update trash'),
  },
  {
    name: 'MOVE of a folder over a folder',
    method: 'MOVE',
    path: '/from',
    options: to('/to'),
    before: { ...FOLDER, '/to': null, '/to/old.txt': OLD },
    after: COPIED,
    calls: calls('get update update get trash task', 'update trash task'),
  },
  {
    name: 'COPY of a file',
    method: 'COPY',
    path: '/a.txt',
    options: to('/b.txt'),
    before: { '/a.txt': NEW },
    after: { '/a.txt': NEW, '/b.txt': NEW },
    calls: calls('copy get', 'copy get update'),
  },
  {
    name: 'COPY over a file',
    method: 'COPY',
    path: '/b.txt',
    options: to('/a.txt'),
    before: { '/a.txt': OLD, '/b.txt': NEW },
    after: { '/a.txt': NEW, '/b.txt': NEW },
    calls: calls('copy get move get get', 'copy get update trash'),
  },
  {
    name: 'COPY of a folder',
    method: 'COPY',
    path: '/from',
    options: to('/to'),
    before: FOLDER,
    after: { ...FOLDER, ...COPIED },
    calls: calls('copy task get', 'copy task get update'),
  },
  {
    name: 'COPY of a folder over a folder',
    method: 'COPY',
    path: '/from',
    options: to('/to'),
    before: { ...FOLDER, '/to': null, '/to/old.txt': OLD },
    after: { ...FOLDER, ...COPIED },
    calls: calls('copy task get get update update get trash task', 'copy task get update trash task'),
  },
  {
    name: 'MKCOL',
    method: 'MKCOL',
    path: '/dir',
    options: {},
    before: { '/a.txt': OLD },
    after: { '/a.txt': OLD, '/dir': null },
    calls: calls('create', 'create'),
  },
  {
    name: 'DELETE of a file',
    method: 'DELETE',
    path: '/a.txt',
    options: {},
    before: { '/a.txt': OLD, '/b.txt': OTHER },
    after: { '/b.txt': OTHER },
    calls: calls('trash', 'trash'),
  },
  {
    name: 'DELETE of a folder',
    method: 'DELETE',
    path: '/from',
    options: {},
    before: { ...FOLDER, '/b.txt': OTHER },
    after: { '/b.txt': OTHER },
    calls: calls('trash task', 'trash task'),
  },
];

export function callsOf({ calls: all }: WriteOperation, kind: LoginKind): readonly string[] {
  return all[kind === 'open' ? 'open' : 'web'];
}
