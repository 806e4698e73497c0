import { Readable } from 'node:stream';
import { DavError } from '../../../src/webdav/errors.ts';
import type { LockRequest } from '../../../src/webdav/locks.ts';
import { PropertyCopies } from '../../../src/webdav/property-copies.ts';
import { createWebDavServer } from '../../../src/webdav/server.ts';
import { silentLog } from '../tree/make-tree.ts';
import { type Content, MemoryTree } from './memory-tree.ts';
import { MemoryWriter } from './memory-writer.ts';
import { type Served, serveHandle } from './serve.ts';
import { createState, type TestState } from './state.ts';

export interface ServedWrites extends Served, TestState {
  readonly tree: MemoryTree;
  readonly writer: MemoryWriter;
  /** Locks a path and returns the token. */
  lock(path: string, part?: Partial<LockRequest>): Promise<string>;
  /** All paths but the root, in order. */
  paths(): string[];
}

/** Serves a tree in memory with every method that there is. */
export async function serveWrites(content: Content, isReadOnly = false): Promise<ServedWrites> {
  const tree = new MemoryTree(content);
  const created = createState();
  const propertyCopies = new PropertyCopies({ ...created, tree, log: silentLog });
  const state = { ...created, propertyCopies };
  const writer = new MemoryWriter(tree, async (change) => {
    await state.properties.follow(change);
    propertyCopies.follow(change);
  });
  const server = createWebDavServer({
    ...state,
    tree,
    writer,
    isReadOnly,
    now: Date.now,
    getHead: async () => {
      throw new DavError(418, 'Reading is no part of this test.');
    },
    openContent: async () => Readable.from(['content']),
  });
  const served = await serveHandle(server.handle);
  return Object.assign(served, state, {
    tree,
    writer,
    async lock(path: string, part: Partial<LockRequest> = {}) {
      const request = { path, href: path, scope: 'exclusive', depth: 'infinity', ownerXml: '', timeoutS: 600 } as const;
      return (await state.locks.grant({ ...request, ...part })).token;
    },
    paths: () =>
      tree
        .pathsWithin('/')
        .filter((path) => path !== '/')
        .toSorted(),
  });
}

/** The members that a 207 says are locked. */
export function lockedMembersOf({ status, body }: { readonly status: number; readonly body: string }): string[] {
  if (status !== 207) return [`status ${status}`];
  const member =
    /<D:response><D:href>([^<]*)<\/D:href><D:status>HTTP\/1\.1 423 Locked<\/D:status><D:error><D:lock-token-submitted\/><\/D:error><\/D:response>/g;
  return [...body.matchAll(member)].map(([, href = '']) => href);
}
