import { createApiHost } from './api-host.ts';
import { Calls } from './calls.ts';
import { createControl } from './control.ts';
import { Faults } from './faults.ts';
import { Limits } from './limits.ts';
import { Listener } from './listener.ts';
import { openRoutes } from './open/routes.ts';
import { addSample, placeholderContent } from './sample.ts';
import { changeSettings, DEFAULT_SETTINGS, type Settings } from './settings.ts';
import { Links } from './storage/links.ts';
import { createStorageHost } from './storage/storage-host.ts';
import { createUploadHost } from './storage/upload-host.ts';
import { UploadLinks } from './storage/upload-links.ts';
import { KnownContents } from './store/known-contents.ts';
import { Store } from './store/store.ts';
import { Tasks } from './store/tasks.ts';
import { Uploads } from './store/uploads.ts';
import { Tokens } from './tokens.ts';
import { Devices } from './web/devices.ts';
import { authRoutes, webApiRoutes } from './web/routes.ts';
import type { Profile, World } from './world.ts';

/** Settings may be given here and turned later. */
export interface EmulatorOptions extends Partial<Settings> {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Of the web API; auth, open API, storage host and control take the four ports behind it. 0 (default): any free ones. */
  readonly port?: number;
  /** Default `demo`. */
  readonly content?: 'demo' | 'empty';
  /** Epoch ms. Timers (latency, bandwidth) run on the real clock all the same. */
  readonly now?: () => number;
}

export interface Emulator {
  /** Base URLs without a trailing slash. */
  readonly apiUrl: string;
  readonly authUrl: string;
  readonly openUrl: string;
  readonly storageUrl: string;
  /** Where `/_emulator/…` stays reachable while the service is offline; the API host answers it as well. */
  readonly controlUrl: string;
  /** One login of each kind; `tokens.login` makes more. */
  readonly refreshTokens: { readonly page: string; readonly app: string; readonly open: string };
  readonly client: Profile['client'];
  readonly userId: string;
  readonly drives: Profile['drives'];
  /** Turned by assigning. */
  readonly settings: Settings;
  readonly store: Store;
  /** What a rapid upload may hit; `add` plants what others have uploaded. */
  readonly known: KnownContents;
  readonly uploads: Uploads;
  readonly tasks: Tasks;
  readonly tokens: Tokens;
  readonly devices: Devices;
  readonly faults: Faults;
  readonly calls: Calls;
  /** Cuts every connection and refuses new ones, until it comes back at the same addresses. */
  setOffline(offline: boolean): Promise<void>;
  close(): Promise<void>;
}

const PROFILE: Profile = {
  userId: 'aaaaaaaabbbbccccddddeeeeeeeeeeee',
  nickName: 'tester',
  client: { id: '0011223344556677889900aabbccddee', secret: 'ffeeddccbbaa00998877665544332211' },
  drives: { backup: '11000001', resource: '11000002' },
};

const ACCOUNT_SINCE = Date.UTC(2021, 2, 18, 4, 55, 6, 893);

/** Starts a service of its own on loopback. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { host = '127.0.0.1', port = 0, content = 'demo', now = Date.now, ...changes } = options;
  const settings: Settings = { ...DEFAULT_SETTINGS };
  const known = new KnownContents();
  const store = new Store(now, () => settings.listLagMs, known);
  const { userId, client, drives } = PROFILE;
  for (const driveId of Object.values(drives)) store.addDrive(driveId, ACCOUNT_SINCE);
  if (content === 'demo') addSample(store, drives);
  // Only now, so that what is there from the start does not lag.
  changeSettings(settings, changes);
  const tokens = new Tokens({ settings, now, userId, clientId: client.id, driveIds: Object.values(drives) });
  const devices = new Devices(settings, now, userId);
  const faults = new Faults();
  const calls = new Calls();
  const portAt = (offset: number) => (port === 0 ? 0 : port + offset);
  const storageUrl = (): string => listeners.storage.url;
  const links = new Links(settings, now, storageUrl, userId);
  const uploadLinks = new UploadLinks(settings, now, storageUrl);
  const ttlMs = () => settings.uploadSessionTtlMs;
  const uploads = new Uploads({ store, known, now, ttlMs, diskBytes: () => settings.uploadDiskBytes });
  const tasks = new Tasks(() => settings.taskMs);
  const stored = { store, known, uploads, uploadLinks, tasks };
  const world: World = { now, profile: PROFILE, settings, tokens, devices, links, storageUrl, ...stored };
  const apiOptions = { settings, faults, calls, limits: new Limits(settings, now) };
  const web = { ...apiOptions, dialect: 'web', notFound: gatewayNotFound } as const;
  const api = createApiHost({ ...web, routes: webApiRoutes(world) });
  const driveIds = Object.values(drives);
  const control = createControl({ settings, faults, calls, tokens, devices, ...stored, driveIds, setOffline });
  const serveObject = createStorageHost({
    now,
    settings,
    store,
    links,
    faults,
    calls,
    placeholder: placeholderContent(),
  });
  const takePart = createUploadHost({ now, settings, uploads, uploadLinks, faults, calls });
  const listeners = {
    api: new Listener(host, portAt(0), (request, response) => {
      if (request.url?.startsWith('/_emulator/')) control(request, response);
      else api(request, response);
    }),
    auth: new Listener(host, portAt(1), createApiHost({ ...web, routes: authRoutes(world) })),
    open: new Listener(
      host,
      portAt(2),
      createApiHost({ ...apiOptions, dialect: 'open', routes: openRoutes(world), notFound: springNotFound(now) }),
    ),
    storage: new Listener(host, portAt(3), (request, response) => {
      if (request.method === 'PUT') takePart(request, response);
      else serveObject(request, response);
    }),
    control: new Listener(host, portAt(4), control),
  };
  async function setOffline(offline: boolean): Promise<void> {
    const { control: _reachable, ...service } = listeners;
    for (const listener of Object.values(service)) await (offline ? listener.close() : listener.open());
  }
  for (const listener of Object.values(listeners)) await listener.open();
  return {
    apiUrl: listeners.api.url,
    authUrl: listeners.auth.url,
    openUrl: listeners.open.url,
    storageUrl: listeners.storage.url,
    controlUrl: listeners.control.url,
    refreshTokens: { page: tokens.login('page'), app: tokens.login('app'), open: tokens.login('open') },
    client,
    userId,
    drives,
    settings,
    store,
    known,
    uploads,
    tasks,
    tokens,
    devices,
    faults,
    calls,
    setOffline,
    async close() {
      for (const listener of Object.values(listeners)) await listener.close();
      tasks.close();
      await uploads.close();
    },
  };
}

/** The gateway in front of the web API answers what it does not know without a JSON body. */
function gatewayNotFound() {
  return {
    status: 404,
    body: undefined,
    headers: { 'x-ca-error-code': 'I404', 'x-ca-error-message': 'Path not found' },
  };
}

function springNotFound(now: () => number) {
  return (path: string) => ({
    status: 404,
    body: { timestamp: new Date(now()).toISOString().replace('Z', '+00:00'), status: 404, error: 'Not Found', path },
  });
}
