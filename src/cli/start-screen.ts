import type { networkInterfaces } from 'node:os';
import { isLoopbackHost } from '../config/loopback.ts';
import type { Settings } from '../config/schema.ts';

export interface StartScreenFacts {
  readonly version: string;
  /** The address it listens on, with a trailing slash. */
  readonly url: string;
  /** What is served, in words: the demo drive, or whose account. */
  readonly served: string;
  readonly isDemo: boolean;
  readonly settings: Settings;
  /** Where other machines find this one, if it is in a network. */
  readonly outsideAddress: string | undefined;
}

type Row = readonly [label: string, text: string];

/** What a person needs to know when the server is up: what is served, how to mount it, which protections are on. */
export function formatStartScreen(facts: StartScreenFacts): string {
  const url = reachableUrl(facts);
  return [
    '',
    `  alidav ${facts.version}`,
    '',
    ...formatRows([
      ['serving', facts.served],
      ['at', url],
    ]),
    '',
    '  Mount it',
    ...formatRows(mountRows(url, facts.settings)),
    '',
    '  Protections',
    ...formatRows(protectionRows(facts)),
    ...(facts.isDemo
      ? ['', '  This is a demo: nothing leaves this machine and nothing is kept. For a drive of your own: alidav login']
      : []),
    '',
    '',
  ].join('\n');
}

function formatRows(rows: readonly Row[]): string[] {
  return rows.map(([label, text]) => `    ${label.padEnd(10)}${text}`);
}

function mountRows(url: string, settings: Settings): Row[] {
  const { protocol, host, hostname } = new URL(url);
  const secure = protocol === 'https:';
  const rcloneLogin = settings.password ? ` --webdav-user ${settings.user ?? 'USER'} --webdav-pass OBSCURED` : '';
  return [
    ['Finder', `Go > Connect to Server: ${url}`],
    ['Explorer', secure ? `net use * ${url}` : `net use * ${url}   (alidav doctor --client windows if it refuses)`],
    ['GNOME', `Files > Other Locations: ${secure ? 'davs' : 'dav'}://${host}/`],
    ['KDE', `Dolphin: ${secure ? 'webdavs' : 'webdav'}://${host}/`],
    ['Linux', `mount -t davfs ${url} /mnt/${hostname === '127.0.0.1' ? 'drive' : hostname}`],
    ['rclone', `rclone lsf :webdav: --webdav-url ${url}${rcloneLogin}`],
    ['players', `VLC, mpv, Infuse, Kodi: open ${url}`],
    ['browser', url],
  ];
}

function protectionRows({ settings, isDemo }: StartScreenFacts): Row[] {
  const open = !isLoopbackHost(settings.host);
  return [
    [
      'password',
      settings.password
        ? 'asked for (Basic and Digest)'
        : open
          ? 'NONE, and the network can reach it: anybody can read and change this drive'
          : 'none set',
    ],
    ['network', open ? `reachable from other machines (${settings.host})` : 'this machine only'],
    ['transport', settings.tls_cert ? 'https' : open ? 'http: passwords travel readable, set ALIDAV_TLS_CERT' : 'http'],
    ['writing', formatWriting(settings)],
    ['login', isDemo ? 'none needed' : `kept in ${settings.state_dir}, readable by you alone`],
  ];
}

function formatWriting({ read_only, trash }: Settings): string {
  if (read_only) return 'refused (ALIDAV_READ_ONLY)';
  return trash
    ? 'allowed; what is deleted goes to the recycle bin'
    : 'allowed; what is deleted is GONE FOR GOOD (ALIDAV_TRASH)';
}

/** A server that listens everywhere is shown at an address that another machine can type. */
export function reachableUrl({
  url,
  settings,
  outsideAddress,
}: Pick<StartScreenFacts, 'url' | 'settings' | 'outsideAddress'>): string {
  const isEverywhere = /^(?:0\.0\.0\.0|\[?::\]?)$/.test(settings.host);
  if (!isEverywhere || outsideAddress === undefined) return url;
  const shown = new URL(url);
  shown.hostname = outsideAddress;
  return shown.href;
}

export function findOutsideAddress(interfaces: ReturnType<typeof networkInterfaces>): string | undefined {
  const addresses = Object.values(interfaces).flatMap((list) => list ?? []);
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
}
