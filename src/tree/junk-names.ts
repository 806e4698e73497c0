/**
 * Noise that desktops scatter over every folder they show. Only what holds nothing that a person has made: not `.Trash-1000`
 * (deleted files of Linux desktops) and not `AutoRun.inf`, of which copies of old discs are full. In lower case, since both
 * Windows and macOS ignore it.
 */
const JUNK_NAMES = new Set([
  '.ds_store',
  '.localized',
  '.appledouble',
  '.lsoverride',
  '.apdisk',
  '.spotlight-v100',
  '.trashes',
  '.fseventsd',
  '.temporaryitems',
  '.documentrevisions-v100',
  '.metadata_never_index',
  '.metadata_never_index_unless_rootfs',
  '.com.apple.timemachine.donotpresent',
  '.volumeicon.icns',
  'icon\r',
  'thumbs.db',
  'thumbs.db:encryptable',
  'ehthumbs.db',
  'ehthumbs_vista.db',
  'desktop.ini',
]);

/** `._name`: what macOS knows about `name`; `~$name`: who has it open in Office. */
const JUNK_PREFIXES = ['._', '~$'];

/** @param name as the service would have it */
export function isJunkName(name: string): boolean {
  if (JUNK_NAMES.has(name.toLowerCase())) return true;
  return JUNK_PREFIXES.some((prefix) => name.length > prefix.length && name.startsWith(prefix));
}
