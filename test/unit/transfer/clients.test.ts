import { describe, expect, it } from 'vitest';
import { classifyClient } from '../../../src/transfer/clients.ts';

describe('classifyClient', () => {
  it.each([
    ['WebDAVFS/3.0.0 (03008000) Darwin/22.6.0 (x86_64)', 'finder', 'never-follows'],
    ['WebDAVLib/1.3', 'finder', 'never-follows'],
    ['Microsoft-WebDAV-MiniRedir/10.0.19045', 'windows', 'never-follows'],
    ['DavClnt', 'windows', 'never-follows'],
    ['Microsoft Office Word 2014', 'office', 'never-follows'],
    ['davfs2/1.6.1 neon/0.32.5', 'davfs2', 'never-follows'],
    ['cadaver/0.24 neon/0.32.5', 'neon', 'never-follows'],
    ['SomeApp/1 neon/0.30', 'neon', 'never-follows'],
    ['Mozilla/5.0 (X11; Linux x86_64) KIO/5.103 kioclient/5.27.5', 'kio', 'follows'],
    ['gvfs/1.50.3', 'gvfs', 'never-returns'],
    ['rclone/v1.60.1', 'rclone', 'follows'],
    ['rclone/', 'rclone', 'follows'],
    ['curl/7.88.1', 'curl', 'follows'],
    ['Wget/1.21.3', 'wget', 'follows'],
    ['node-fetch', 'node', 'follows'],
    ['Lavf/59.27.100', 'ffmpeg', 'forgets-credentials'],
    ['libmpv', 'ffmpeg', 'forgets-credentials'],
    ['VLC/3.0.24 LibVLC/3.0.24', 'vlc', 'never-returns'],
    ['Kodi/20.0 (X11; Linux x86_64)', 'kodi', 'never-returns'],
    ['Infuse-Library/7.7.5', 'infuse', 'never-returns'],
    ['nPlayer/3.0', 'nplayer', 'never-returns'],
    ['aria2/1.36.0', 'aria2', 'never-follows'],
    ['lftp/4.9.2', 'lftp', 'never-follows'],
    ['Joplin/1.0', 'joplin', 'never-follows'],
    ['okhttp/4.9', 'library', 'never-follows'],
    ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36', 'browser', 'never-returns'],
    ['never seen before', 'unknown', 'follows'],
    ['', 'unknown', 'follows'],
    [undefined, 'unknown', 'follows'],
  ])('%s', (userAgent, name, habit) => {
    expect(classifyClient(userAgent)).toMatchObject({ name, habit });
  });
});
