import { createLogger } from '../../../src/log.ts';
import { DriveTree, type DriveTreeDeps } from '../../../src/tree/drive-tree.ts';
import type { Layout } from '../../../src/tree/layout.ts';
import type { ReadOptions, TreeNode } from '../../../src/tree/node.ts';
import { DRIVE_ID, FakeDrive } from './fake-drive.ts';

export const FRESH_MS = 30_000;

export const silentLog = createLogger({ log_level: 'silent', log_format: 'json' });

const oneDrive: Layout = fixedLayout([{ driveId: DRIVE_ID, name: '备份盘' }]);

export function fixedLayout(drives: ReturnType<NonNullable<Layout['peekDrives']>>): Layout {
  return { getDrives: async () => drives ?? [], peekDrives: () => drives };
}

export interface TestTree {
  readonly drive: FakeDrive;
  readonly tree: DriveTree;
  /** Epoch ms, as the tree sees it. */
  readonly clock: { now: number };
  /** A folder's listing, by path. */
  list(path: string, options?: ReadOptions, signal?: AbortSignal): Promise<TreeNode[]>;
  names(path: string, options?: ReadOptions): Promise<string[]>;
}

export function makeTree(changes: Partial<DriveTreeDeps> = {}): TestTree {
  const drive = new FakeDrive();
  const clock = { now: 1_700_000_000_000 };
  const tree = new DriveTree({
    drive,
    layout: oneDrive,
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
  return { drive, tree, clock, list, names };
}
