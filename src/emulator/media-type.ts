import mime from 'mime-types';
import { extensionOf } from './store/entry.ts';

/** What the service tells from a name: `text/plain; charset=utf-8` and its kind. */
export function mimeTypeOf(name: string): string {
  // `.livp` is in no register, and the service does not know it either.
  return mime.contentType(extensionOf(name)) || 'application/octet-stream';
}

export type Category = 'image' | 'video' | 'audio' | 'doc' | 'zip' | 'app' | 'others';

const EXTENSIONS: Readonly<Record<string, Category>> = {
  livp: 'image',
  heic: 'image',
  pdf: 'doc',
  doc: 'doc',
  docx: 'doc',
  xls: 'doc',
  xlsx: 'doc',
  ppt: 'doc',
  pptx: 'doc',
  md: 'doc',
  zip: 'zip',
  rar: 'zip',
  '7z': 'zip',
  gz: 'zip',
  tar: 'zip',
  apk: 'app',
  exe: 'app',
  dmg: 'app',
  mkv: 'video',
};

export function categoryOf(name: string): Category {
  const known = EXTENSIONS[extensionOf(name)];
  if (known) return known;
  const [top] = mimeTypeOf(name).split('/');
  if (top === 'image' || top === 'video' || top === 'audio') return top;
  return top === 'text' ? 'doc' : 'others';
}
