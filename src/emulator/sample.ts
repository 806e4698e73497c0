import { fileURLToPath } from 'node:url';
import { type Content, fileContent } from './store/content.ts';
import type { StoredEntry } from './store/entry.ts';
import type { Store } from './store/store.ts';
import type { Profile } from './world.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const FIRST_DAY = Date.UTC(2023, 4, 6, 1, 22, 37, 415);
const GIB = 2 ** 30;

/** A file of `config/demo`, which lies equally far from the source and from its build. */
function asset(name: string): Content {
  return fileContent(fileURLToPath(new URL(`../../config/demo/${name}`, import.meta.url)));
}

/** What stands in for withheld content and for a picture made smaller. */
export function placeholderContent(): Content {
  return asset('preview.jpg');
}

/** Fills both drives with things worth looking at. */
export function addSample(store: Store, drives: Profile['drives']): void {
  addPersonalThings(store, store.root(drives.backup));
  addFilms(store, store.root(drives.resource));
}

function addPersonalThings(store: Store, root: StoredEntry): void {
  const on = (day: number) => ({ createdAt: FIRST_DAY + day * DAY_MS, updatedAt: FIRST_DAY + day * DAY_MS + HOUR_MS });
  store.addFile(root, '👋 欢迎.md', asset('welcome.md'), on(0));

  const poems = store.addFolder(root, '诗词', on(1));
  store.addFile(poems, '静夜思（李白）.txt', asset('poems/jing-ye-si.txt'), on(1));
  store.addFile(poems, '登鹳雀楼（王之涣）.txt', asset('poems/deng-guan-que-lou.txt'), on(2));
  store.addFile(poems, '春晓（孟浩然）.txt', asset('poems/chun-xiao.txt'), on(3));

  const photos = store.addFolder(root, '照片 📷', on(9));
  store.addFile(photos, '清晨的山 🌄.jpg', asset('dawn.jpg'), on(9));
  store.addFile(photos, '黄昏.jpg', asset('dusk.jpg'), on(9.4));
  store.addFile(photos, '月夜 🌙.png', asset('night.png'), on(9.6));
  store.addLivePhoto(photos, '湖边 IMG_0042.livp', { jpeg: asset('live.jpg'), mov: asset('live.mov') }, on(10));

  const music = store.addFolder(root, '音乐 🎵', on(20));
  store.addFile(music, '茉莉花.mp3', asset('song.mp3'), on(20));

  const work = store.addFolder(root, '工作 & 笔记', on(31));
  const year = store.addFolder(work, '2024', on(240));
  store.addFile(work, '50% 完成 #1 (草稿).txt', '还差一半。\nHalf of it is still missing.\n', on(32));
  store.addFile(year, '目标？!.txt', '一、少开会。\n二、多读诗。\n', on(240));

  const many = store.addFolder(root, '一千个文件', on(60));
  for (let number = 1; number <= 1000; number++) {
    const name = `第 ${String(number).padStart(4, '0')} 个.txt`;
    store.addFile(many, name, `这是一千个文件中的第 ${number} 个。\n`, on(60 + number / 100));
  }
  store.addFile(root, '空文件.txt', '', on(80));
  store.addSparseFile(root, '稀疏文件 20 GiB.bin', 20 * GIB, on(90));
}

function addFilms(store: Store, root: StoredEntry): void {
  const on = (day: number) => ({ createdAt: FIRST_DAY + day * DAY_MS, updatedAt: FIRST_DAY + day * DAY_MS });
  const films = store.addFolder(root, '电影 🎬', on(100));
  store.addFile(films, '黄昏 (2024).mp4', asset('film.mp4'), on(101));
  store.addFile(films, '黄昏 (2024).zh.srt', asset('film.srt'), on(101.1));
  store.addFile(films, '清晨 (2024).mp4', asset('morning.mp4'), on(120));
  const images = store.addFolder(root, '磁盘镜像', on(200));
  store.addSparseFile(images, '归档 4 GiB.img', 4 * GIB, on(200));
}
