/** What a client needs that no server can do for it, by the name that `doctor --client` takes. */
export const CLIENT_ADVICE: Readonly<Record<string, readonly string[]>> = {
  windows: [
    'The service "WebClient" must run:  sc config WebClient start= auto  and  net start WebClient',
    'Basic passwords over http are refused by Windows; alidav offers Digest, which works. Best is https (ALIDAV_TLS_CERT).',
    'Files over 50 MB need, as administrator:',
    '  reg add HKLM\\SYSTEM\\CurrentControlSet\\Services\\WebClient\\Parameters /v FileSizeLimitInBytes /t REG_DWORD /d 4294967295 /f',
    'Folders of many thousand entries need:',
    '  reg add HKLM\\SYSTEM\\CurrentControlSet\\Services\\WebClient\\Parameters /v FileAttributesLimitInBytes /t REG_DWORD /d 100000000 /f',
    'Then:  net stop WebClient && net start WebClient',
  ],
  finder: [
    'Go > Connect to Server, with the address and its slash at the end.',
    'Finder writes ._ and .DS_Store files wherever it may: alidav keeps them to itself, and the drive never sees them.',
  ],
  linux: [
    'GNOME: dav:// (davs:// for https) in Files > Other Locations. KDE: webdav:// (webdavs://) in Dolphin.',
    'Both copy whole files before they open them; rclone mount or mpv with the address reads what is needed.',
  ],
  davfs2: [
    'mount -t davfs ADDRESS FOLDER works with the default settings; follow_redirect is not needed.',
    'On Linux 6.16 and later davfs2 1.6 lists no folder of any server unless davfs2.conf says  buf_size 64',
    'davfs2 reads whole files into its cache: cache_size in davfs2.conf bounds it (MiB).',
  ],
  rclone: [
    'rclone config create drive webdav url=ADDRESS vendor=owncloud user=USER pass=PASSWORD',
    'rclone sends a Referer, which the storage host refuses, so alidav streams to it. With  --header "Referer:"  it is redirected.',
    'vendor=owncloud keeps modification times and checksums, so that a second copy transfers nothing.',
    'For a mount:  rclone mount drive: FOLDER --vfs-cache-mode full --dir-cache-time 1m',
  ],
  players: [
    'VLC, Kodi and Infuse keep a link for a whole film, and open-platform links live 15 minutes: alidav streams to them.',
    'mpv and ffmpeg lose the password on the way back from a redirect: with a password set, alidav streams to them.',
    'At the address that "alidav link add" prints they need none, and are redirected.',
  ],
};
