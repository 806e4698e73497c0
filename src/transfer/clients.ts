/** What a client does with a redirect, as far as that is known. */
type RedirectHabit =
  /** Follows it, and asks us again for the next range or after the link has expired. */
  | 'follows'
  /** Shows it as an error, carries our credentials to the storage host, or was never seen to follow. */
  | 'never-follows'
  /** Keeps to the link it was sent to for as long as the file is open, past the link's life. */
  | 'never-returns'
  /** Returns for the next range without the credentials it was asked for, and gives up at the 401. */
  | 'forgets-credentials';

export interface ClientClass {
  /** For the log. */
  readonly name: string;
  readonly habit: RedirectHabit;
}

interface ClientRow extends ClientClass {
  readonly pattern: RegExp;
}

const UNKNOWN: ClientClass = { name: 'unknown', habit: 'follows' };

/** First match wins. A habit is measured unless the row says otherwise. */
const CLIENTS: readonly ClientRow[] = [
  // No report of a followed redirect across hosts exists for either; both read whole files, so little is lost.
  { name: 'finder', pattern: /^(WebDAVFS|WebDAVLib)/, habit: 'never-follows' },
  { name: 'windows', pattern: /^(Microsoft-WebDAV-MiniRedir|DavClnt|Microsoft Data Access)/, habit: 'never-follows' },
  { name: 'office', pattern: /^(Microsoft Office|MSOffice)/, habit: 'never-follows' },
  // follow_redirect 1 would make it follow, but looks the same from here.
  { name: 'davfs2', pattern: /^davfs2/, habit: 'never-follows' },
  { name: 'neon', pattern: /^(cadaver|neon\/|sitecopy)| neon\//, habit: 'never-follows' },
  // Not Mozilla's engine, whatever it says.
  { name: 'kio', pattern: /KIO\//, habit: 'follows' },
  { name: 'gvfs', pattern: /^gvfs\//, habit: 'never-returns' },
  // Sends a Referer unless told not to, which another rule sees.
  { name: 'rclone', pattern: /^rclone\//, habit: 'follows' },
  { name: 'curl', pattern: /^curl\//, habit: 'follows' },
  { name: 'wget', pattern: /^Wget\//, habit: 'follows' },
  { name: 'node', pattern: /^(node-fetch|axios)/, habit: 'follows' },
  { name: 'ffmpeg', pattern: /^(Lavf|libmpv|mpv|ffmpeg|FFmpeg)/, habit: 'forgets-credentials' },
  { name: 'vlc', pattern: /^VLC\/|LibVLC/, habit: 'never-returns' },
  { name: 'kodi', pattern: /^Kodi\//, habit: 'never-returns' },
  { name: 'infuse', pattern: /Infuse/, habit: 'never-returns' },
  { name: 'nplayer', pattern: /nPlayer/, habit: 'never-returns' },
  // No source tells what these two do after expiry: by caution as the other players.
  { name: 'senplayer', pattern: /SenPlayer/, habit: 'never-returns' },
  { name: 'fileball', pattern: /Fileball/, habit: 'never-returns' },
  { name: 'potplayer', pattern: /^PotPlayer/, habit: 'never-follows' },
  { name: 'aria2', pattern: /^aria2/, habit: 'never-follows' },
  { name: 'lftp', pattern: /^lftp/, habit: 'never-follows' },
  { name: 'raidrive', pattern: /^RaiDrive/, habit: 'never-follows' },
  { name: 'retroarch', pattern: /^RetroArch/, habit: 'never-follows' },
  { name: 'joplin', pattern: /^Joplin/, habit: 'never-follows' },
  { name: 'zotero', pattern: /^(Zotero|ZShare)/, habit: 'never-follows' },
  { name: 'keepass', pattern: /^(KeePass|KP2A)/, habit: 'never-follows' },
  { name: 'backup', pattern: /^(Duplicati|restic|opendal|sccache)/, habit: 'never-follows' },
  // Read from reports: HTTP libraries of many programs, most of which do not follow for WebDAV or leak credentials.
  { name: 'library', pattern: /^(python-httpx|okhttp|Dart|Dalvik)/, habit: 'never-follows' },
  { name: 'file-manager', pattern: /^(WinSCP|Transmit|Solid)/, habit: 'never-follows' },
  { name: 'browser', pattern: /^Mozilla\//, habit: 'never-returns' },
];

/** The class of a client by its `User-Agent`, `unknown` for one that no row names. */
export function classifyClient(userAgent: string | undefined): ClientClass {
  if (!userAgent) return UNKNOWN;
  return CLIENTS.find((client) => client.pattern.test(userAgent)) ?? UNKNOWN;
}
