import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { isRecord, readBody } from './api-request.ts';
import type { Calls } from './calls.ts';
import { parseFault } from './fault-json.ts';
import type { Faults } from './faults.ts';
import type { Reply } from './reply.ts';
import { sendFailure, sendReply } from './send-reply.ts';
import { changeSettings, type Settings } from './settings.ts';
import { bytesContent } from './store/content.ts';
import { dataOf, elsewhereActions } from './store/elsewhere.ts';
import type { KnownContents } from './store/known-contents.ts';
import { plant } from './store/plant.ts';
import type { Store } from './store/store.ts';
import type { Tasks } from './store/tasks.ts';
import { treeJson } from './store/tree.ts';
import type { Uploads } from './store/uploads.ts';
import { LOGIN_KINDS, type LoginKind, type Tokens } from './tokens.ts';
import type { Devices } from './web/devices.ts';

interface ControlOptions {
  readonly settings: Settings;
  readonly faults: Faults;
  readonly calls: Calls;
  readonly tokens: Tokens;
  readonly devices: Devices;
  readonly store: Store;
  readonly known: KnownContents;
  readonly uploads: Uploads;
  readonly tasks: Tasks;
  readonly driveIds: readonly string[];
  readonly setOffline: (offline: boolean) => Promise<void>;
}

/** Answers one action; `body` is the parsed JSON, `rest` what follows the action's name in the path. */
type Action = (body: Readonly<Record<string, unknown>>, rest: string) => unknown;

/** What a test of another process may do over HTTP: `POST /_emulator/<action>` with JSON, or GET where it only asks. */
export function createControl(options: ControlOptions): (request: IncomingMessage, response: ServerResponse) => void {
  const actions = createActions(options);
  return (request, response) => {
    serve(options, actions, request, response).catch((error: unknown) => sendFailure(response, error));
  };
}

async function serve(
  options: ControlOptions,
  actions: Readonly<Record<string, Action>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://emulator');
  const [, , name = '', rest = ''] = pathname.split('/');
  if (request.method === 'GET' && name === 'content') {
    await sendContent(options, rest, response);
    return;
  }
  const text = await readBody(request);
  await sendReply(response, await act(actions[`${request.method} ${name}`], text, rest));
}

/** The bytes of a file as they are, without a link, a token or a fault. */
async function sendContent(
  { store, driveIds }: ControlOptions,
  fileId: string,
  response: ServerResponse,
): Promise<void> {
  const content = driveIds.map((driveId) => store.find(driveId, fileId)?.content).find((found) => found !== undefined);
  if (!content) {
    await sendReply(response, { status: 404, body: { error: 'There is no such file.' } });
    return;
  }
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': content.size });
  await pipeline(content.open(0, content.size), response).catch(() => response.destroy());
}

async function act(action: Action | undefined, text: string, rest: string): Promise<Reply> {
  if (!action) return { status: 404, body: { error: 'There is no such action.' } };
  try {
    const body: unknown = text.trim() === '' ? {} : JSON.parse(text);
    if (!isRecord(body)) throw new Error('The body must be a JSON object.');
    return { status: 200, body: (await action(body, rest)) ?? {} };
  } catch (error) {
    return { status: 400, body: { error: error instanceof Error ? error.message : String(error) } };
  }
}

function createActions(options: ControlOptions): Readonly<Record<string, Action>> {
  const { settings, faults, calls, tokens, devices, store, known, uploads, setOffline } = options;
  const elsewhere = elsewhereActions(store, (entry) => uploads.abandon(entry));
  return {
    'GET calls': () => calls.snapshot(),
    'POST reset-calls': () => calls.reset(),
    'GET faults': () => ({ faults: faults.list() }),
    'POST faults': (body) => ({ id: faults.inject(parseFault(body)) }),
    'DELETE faults': (_body, id) => faults.clear(id === '' ? undefined : Number(id)),
    'GET settings': () => settings,
    'POST settings': (body) => {
      changeSettings(settings, body);
      return settings;
    },
    'POST entries': (body) => plant(store, body),
    'POST known-contents': (body) => known.add(bytesContent(dataOf(body))),
    'GET tree': () => tree(options, options.driveIds),
    'POST tree': ({ drive_id }) =>
      tree(options, drive_id === undefined ? options.driveIds : [readDrive(options, drive_id)]),
    'POST rename': elsewhere.rename,
    'POST move': elsewhere.move,
    'POST trash': elsewhere.trash,
    'POST delete': elsewhere.delete,
    'POST write': elsewhere.write,
    'POST login': ({ kind }) => ({ refresh_token: tokens.login(readKind(kind)) }),
    'POST kill-refresh-tokens': ({ kind }) => tokens.killRefreshTokens(readKind(kind)),
    'POST revoke-access-tokens': ({ kind }) => tokens.revokeAccessTokens(readKind(kind)),
    'POST end-device-sessions': () => devices.endSessions(),
    'POST take-device-slots': () => devices.takeSlots(),
    'POST offline': ({ offline }) => {
      if (typeof offline !== 'boolean') throw new Error('offline must be true or false.');
      return setOffline(offline);
    },
  };
}

function tree({ store, uploads, tasks }: ControlOptions, driveIds: readonly string[]) {
  return {
    entries: driveIds.flatMap((driveId) => treeJson(store, driveId)),
    binned: driveIds.reduce((sum, driveId) => sum + store.binned(driveId).length, 0),
    uploads: uploads.openCount,
    tasks: tasks.runningCount,
  };
}

function readDrive({ driveIds }: ControlOptions, value: unknown): string {
  const driveId = driveIds.find((id) => id === value);
  if (driveId === undefined) throw new Error(`drive_id must be one of ${driveIds.join(', ')}.`);
  return driveId;
}

function readKind(value: unknown): LoginKind {
  const kind = LOGIN_KINDS.find((word) => word === value);
  if (!kind) throw new Error(`kind must be one of ${LOGIN_KINDS.join(', ')}.`);
  return kind;
}
