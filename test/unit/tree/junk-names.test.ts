import { describe, expect, it } from 'vitest';
import { isJunkName } from '../../../src/tree/junk-names.ts';

describe('isJunkName', () => {
  it.each([
    '._photo.jpg',
    '._.',
    '._.DS_Store',
    '.DS_Store',
    '.ds_store',
    '.Spotlight-V100',
    '.Trashes',
    '.fseventsd',
    '.TemporaryItems',
    '.apdisk',
    '.metadata_never_index',
    '.VolumeIcon.icns',
    '.DocumentRevisions-V100',
    'Icon\r',
    'Thumbs.db',
    'THUMBS.DB',
    'ehthumbs.db',
    'desktop.ini',
    'Desktop.ini',
    '~$report.docx',
  ])('knows %j', (name) => {
    expect(isJunkName(name)).toBe(true);
  });

  it.each([
    '',
    '.',
    '._',
    '~$',
    '~WRD0001.tmp',
    '~report.docx',
    '.Trash-1000',
    'AutoRun.inf',
    'folder.jpg',
    'Icon',
    'my desktop.ini',
    'desktop.ini.txt',
    '.hidden',
    '.git',
    '.nomedia',
    '.directory',
    'a._b',
  ])('leaves %j to the drive', (name) => {
    expect(isJunkName(name)).toBe(false);
  });
});
