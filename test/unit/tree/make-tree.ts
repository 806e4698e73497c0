import { createLogger } from '../../../src/log.ts';
import { DriveTree, type DriveTreeDeps } from '../../../src/tree/drive-tree.ts';
import type { Layout } from '../../../src/tree/layout.ts';
import type { ReadOptions, TreeNode } from '../../../src/tree/node.ts';
import { Overlay } from '../../../src/tree/overlay.ts';
import { DRIVE_ID, FakeDrive } from './fake-drive.ts';
import { MemoryStore } from './memory-store.ts';

export const FRESH_MS = 30_000;

export const silentLog = createLogger({ log_level: 'silent', log_format: 'json' });

const oneDrive: Layout = fixedLayout([{ driveId: DRIVE_ID, name: '备份盘' }]);

export function fixedLayout(drives: ReturnType<NonNullable<Layout['peekDrives']>>): Layout {
  return { getDrives: async () => drives ?? [], peekDrives: () => drives };
}

export interface TestTree {
  readonly drive: FakeDrive;
  readonly tree: DriveTree;
  readonly overlay: Overlay;
  /** Epoch ms, as the tree sees it. */
  readonly clock: { now: number };
  /** A folder's listing, by path. */
  list(path: string, options?: ReadOptions, signal?: AbortSignal): Promise<TreeNode[]>;
  names(path: string, options?: ReadOptions): Promise<string[]>;
}

/** What a restart leaves as it was. */
export interface World {
  readonly drive: FakeDrive;
  readonly store: MemoryStore;
  readonly clock: { now: number };
}

export function makeWorld(): World {
  return { drive: new FakeDrive(), store: new MemoryStore(), clock: { now: 1_700_000_000_000 } };
}

export function makeTree(changes: Partial<DriveTreeDeps> = {}, world = makeWorld()): TestTree {
  const { drive, store, clock } = world;
  const overlay = new Overlay({ drive, store, userId: async () => 'u1', now: () => clock.now, log: silentLog });
  const tree = new DriveTree({
    drive,
    layout: oneDrive,
    overlay,
    listFreshMs: FRESH_MS,
    now: () => clock.now,
    log: silentLog,
    ...changes,
  });
  const list: TestTree['list'] = async (path, options = {}, signal) => {
    const nodes: TreeNode[] = [];
    for await (const some of tree.list(await tree.get(path, {}, signal), options, signal)) nodes.push(...some);
    return nodes;
  };
  const names: TestTree['names'] = async (path, options) => (await list(path, options)).map((node) => node.name);
  return { drive, tree, overlay, clock, list, names };
}
