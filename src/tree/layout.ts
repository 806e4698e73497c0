import { untilAborted } from '../drive/abortable.ts';
import type { AccountInfo, DriveInfo, ReadDrive } from '../drive/drive.ts';
import { DriveError } from '../drive/errors.ts';
import type { Logger } from '../log.ts';
import type { StateKey, StateStore, StateValue } from '../state/store.ts';

export type DriveSetting = 'default' | 'backup' | 'resource' | 'all';

/** A drive that is served: alone as the root, or with others as a top folder of this name. */
export interface ServedDrive {
  readonly driveId: string;
  readonly name: string;
}

/** Which drives are served, at least one. */
export interface Layout {
  /** Costs a network call only for an account (or a setting) that was never seen before. */
  getDrives(signal?: AbortSignal): Promise<readonly ServedDrive[]>;
  /** From memory alone. */
  peekDrives(): readonly ServedDrive[] | undefined;
}

export interface LayoutDeps {
  readonly drive: Pick<ReadDrive, 'fetchAccount'>;
  readonly store: StateStore;
  /** Whose drives; rejects with a `DriveError` while nobody has signed in. */
  readonly userId: () => Promise<string>;
  /** `ALIDAV_DRIVE` */
  readonly setting: DriveSetting;
  readonly log: Logger;
}

const BACKUP_NAME = '备份盘';
const RESOURCE_NAME = '资源库';

/**
 * The layout found at the first sign-in is kept for good: an answer that happens to lack a drive must not move every path,
 * for a sync program would take that for a deletion. Only another setting asks anew.
 */
export function createLayout(deps: LayoutDeps): Layout {
  let known: readonly ServedDrive[] | undefined;
  let inFlight: Promise<readonly ServedDrive[]> | undefined;

  async function find(): Promise<readonly ServedDrive[]> {
    const key: StateKey = [await deps.userId(), 'v1', 'layout'];
    const stored = await deps.store.get(key);
    const remembered = parseLayout(stored, deps.setting);
    if (remembered) return remembered;
    const drives = chooseDrives(await deps.drive.fetchAccount(), deps.setting);
    const mine = { setting: deps.setting, drives };
    if (await deps.store.compareAndSet(key, stored, mine)) {
      deps.log.info(mine, 'the drives served are remembered');
      return drives;
    }
    // Another process was faster; with the same setting, both must show the same paths.
    return parseLayout(await deps.store.get(key), deps.setting) ?? drives;
  }

  async function remember(): Promise<readonly ServedDrive[]> {
    try {
      known = await find();
      return known;
    } finally {
      inFlight = undefined;
    }
  }

  return {
    async getDrives(signal) {
      if (known) return known;
      inFlight ??= remember();
      return untilAborted(inFlight, signal);
    },
    peekDrives: () => known,
  };
}

function chooseDrives({ drives }: AccountInfo, setting: DriveSetting): readonly ServedDrive[] {
  const find = (role: DriveInfo['role'], name: string): ServedDrive | undefined => {
    const drive = drives.find((candidate) => candidate.role === role);
    return drive && { driveId: drive.driveId, name };
  };
  const byDefault = find('default', BACKUP_NAME);
  // Old accounts name only a default drive, newer ones call that one the backup drive.
  const backup = find('backup', BACKUP_NAME) ?? byDefault;
  const resource = find('resource', RESOURCE_NAME);
  const choices: Readonly<Record<DriveSetting, readonly (ServedDrive | undefined)[]>> = {
    default: [byDefault ?? backup],
    backup: [backup],
    resource: [resource],
    all: resource?.driveId === backup?.driveId ? [backup] : [backup, resource],
  };
  const chosen = choices[setting].filter((drive) => drive !== undefined);
  if (chosen.length > 0) return chosen;
  const has = drives.map((drive) => drive.role).join(', ') || 'none';
  // Never `not-found`: what an answer lacks proves nothing, and every path would be one that was deleted.
  throw new DriveError(
    'unavailable',
    `ALIDAV_DRIVE is "${setting}", but the account has no such drive (it has: ${has}).`,
  );
}

/** @returns undefined for what another setting, or no known version of this program, has stored. */
function parseLayout(stored: StateValue | undefined, setting: DriveSetting): readonly ServedDrive[] | undefined {
  if (!isObject(stored) || stored.setting !== setting || !Array.isArray(stored.drives)) return undefined;
  const drives: readonly unknown[] = stored.drives;
  return drives.length > 0 && drives.every(isServedDrive) ? drives : undefined;
}

function isServedDrive(value: unknown): value is ServedDrive {
  return isObject(value) && typeof value.driveId === 'string' && typeof value.name === 'string';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
