import { bytesContent, type Content } from './store/content.ts';
import type { Store } from './store/store.ts';
import type { Profile } from './world.ts';

const DAY_MS = 86_400_000;

/** Fills both drives with things worth looking at. */
export function addSample(store: Store, drives: Profile['drives']): void {
  const start = Date.UTC(2024, 2, 1, 8, 15, 30, 123);
  const root = store.root(drives.backup);
  store.addFile(root, '👋 欢迎.txt', '欢迎使用 alidav！\n', { createdAt: start });
  store.addFile(root, '空文件.txt', '', { createdAt: start + DAY_MS });
  const many = store.addFolder(root, '一千个文件', { createdAt: start + 2 * DAY_MS });
  for (let index = 1; index <= 1000; index++) {
    const number = String(index).padStart(4, '0');
    store.addFile(many, `笔记 ${number}.txt`, `第 ${number} 篇笔记\n`, { createdAt: start + index * 60_000 });
  }
  store.addSparseFile(root, '稀疏文件 20GiB.bin', 20 * 2 ** 30, { createdAt: start + 3 * DAY_MS });
}

/** What stands in for a withheld film and for a picture made smaller. */
export function placeholderContent(): Content {
  return bytesContent('This content is not available.\n');
}
