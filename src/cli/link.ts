import { networkInterfaces } from 'node:os';
import { formatBaseUrl } from '../config/base-url.ts';
import type { Config } from '../config/load.ts';
import { findNearest } from '../config/nearest.ts';
import type { Settings } from '../config/schema.ts';
import type { Connection } from '../connection.ts';
import { parsePath } from '../drive/path.ts';
import { createLogger } from '../log.ts';
import { type PrivateLink, PrivateLinks } from '../state/private-links.ts';
import { type Arguments, type LinkFlags, UsageError } from './arguments.ts';
import { parseExpiry } from './expiry.ts';
import { findsNoAccount } from './finds-no-account.ts';
import { formatLinks, formatTime } from './format.ts';
import { printFromAccount } from './on-account.ts';
import { findOutsideAddress, reachableUrl } from './start-screen.ts';

const ACTIONS = ['add', 'list', 'remove'] as const;
const MAX_LABEL_LENGTH = 100;

/** Makes, lists and removes private links. A running server needs no word of it. @returns the exit code */
export async function link({ operands, linkFlags }: Arguments, readConfig: () => Config): Promise<number> {
  const act = parseAction(operands, linkFlags);
  const config = readConfig();
  if (await findsNoAccount(config)) {
    process.stderr.write(
      'alidav: nobody is signed in, and the demo keeps no links; "alidav login" stores an account.\n',
    );
    return 1;
  }
  return printFromAccount(config.settings, (connection) => act(openLinks(connection), config.settings));
}

type Action = (links: PrivateLinks, settings: Settings) => Promise<string>;

/** @throws UsageError */
function parseAction([name, ...rest]: readonly string[], flags: LinkFlags): Action {
  const action = ACTIONS.find((known) => known === name);
  if (!action) {
    const nearest = name === undefined ? undefined : findNearest(name, ACTIONS);
    throw new UsageError(`"alidav link" takes ${ACTIONS.join(', ')}${nearest ? `; did you mean "${nearest}"?` : '.'}`);
  }
  const [id, ...excess] = action === 'remove' ? rest : [undefined, ...rest];
  if (excess[0] !== undefined) throw new UsageError(`"${excess[0]}" is one word too many after "link ${action}".`);
  switch (action) {
    case 'add':
      return add(parseWanted(flags, Date.now()));
    case 'list':
      return list;
    case 'remove':
      if (id === undefined) throw new UsageError('"alidav link remove" needs an id; "alidav link list" shows them.');
      return remove(id);
  }
}

function parseWanted(flags: LinkFlags, now: number): Pick<PrivateLink, 'label' | 'folder' | 'expiresAt'> {
  const label = (flags.label ?? '').trim();
  // Both are shown on a terminal, which obeys what it is shown.
  const isPlain = (text: string) => !/\p{Cc}/u.test(text);
  if (!isPlain(label) || label.length > MAX_LABEL_LENGTH) {
    throw new UsageError(`--label takes a text of one line and ${MAX_LABEL_LENGTH} characters at most.`);
  }
  const folder = parsePath(flags.folder ?? '/');
  if (folder === undefined || !isPlain(folder)) throw new UsageError('--folder takes a folder such as /Films.');
  return { label, folder, expiresAt: flags.expires === undefined ? undefined : parseExpiry(flags.expires, now) };
}

function openLinks({ account, store }: Connection): PrivateLinks {
  const log = createLogger({ log_level: 'silent', log_format: 'json' });
  return new PrivateLinks({ store, userId: () => account.getUserId(), log, now: Date.now });
}

/** The address alone goes to stdout, where a script takes it from; what a person should know goes beside it. */
function add(wanted: Pick<PrivateLink, 'label' | 'folder' | 'expiresAt'>): Action {
  return async (links, settings) => {
    const { link: made, token } = await links.add(wanted);
    const end = made.expiresAt === undefined ? 'until it is removed' : `until ${formatTime(made.expiresAt)}`;
    const url = reachableUrl({
      url: formatBaseUrl(settings.host, settings.port, settings.tls_cert !== undefined),
      settings,
      outsideAddress: findOutsideAddress(networkInterfaces()),
    });
    process.stderr.write(
      `Link ${made.id} shows ${made.folder} for reading, ${end}, to whoever has this address. It is shown only now.
Where the server is reached by another name or port, put those in place of ${new URL(url).host}.
`,
    );
    return `${url}.alidav/t/${token}/`;
  };
}

const list: Action = async (links) => {
  const all = await links.list();
  return all.length === 0 ? 'There are no links; "alidav link add" makes one.' : formatLinks(all, Date.now());
};

function remove(id: string): Action {
  return async (links) => {
    const removed = await links.remove(id);
    if (!removed) throw new Error(`There is no link "${id}"; "alidav link list" shows them.`);
    return `Link ${removed.id} is removed${removed.label === '' ? '' : `: ${removed.label}`}.`;
  };
}
