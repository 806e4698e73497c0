import type { Act, ApiCall } from '../api-host.ts';
import { heightOf, totalSizeOf } from '../changes.ts';
import { checkDepth, checkRoom } from '../create.ts';
import { apiError, invalidField } from '../errors.ts';
import { isInBin, targetFolder } from '../lookup.ts';
import { copyEntry } from '../store/copy.ts';
import { ROOT_ID, type StoredEntry } from '../store/entry.ts';
import type { World } from '../world.ts';

const MOST_ENTRIES = 100;

/** From one drive of the account to the other; a name that is taken there is taken twice afterwards. */
export function acrossRoutes(world: World): { readonly copyAcross: Act; readonly moveAcross: Act } {
  const across = (call: ApiCall, then: (entry: StoredEntry) => (() => void) | undefined) => {
    const { fields, task } = call;
    const from = grantedDrive(world, fields.text('from_drive_id'));
    // The service's own spelling.
    const parent = targetFolder(
      world,
      'web',
      grantedDrive(world, fields.text('to_drive_id')),
      fields.text('to_parent_fileId'),
    );
    const ids: unknown = fields.all.from_file_ids;
    if (!Array.isArray(ids) || ids.length === 0 || ids.length > MOST_ENTRIES) {
      throw invalidField('from_file_ids', 'from_file_ids is required');
    }
    const entries = ids.map((id) => findWhole(world, from, String(id)));
    for (const entry of entries) {
      checkDepth(world, parent, heightOf(world, entry));
      checkRoom(world, 'web', parent.driveId, totalSizeOf(world, entry));
    }
    const items = entries.map((entry) => {
      const copied = copyEntry(world, entry, parent, entry.name, task, then(entry));
      return {
        drive_id: parent.driveId,
        file_id: copied.entry.fileId,
        source_drive_id: from,
        source_file_id: entry.fileId,
        ...(copied.task && { async_task_id: copied.task.id }),
        status: copied.task ? 202 : 201,
      };
    });
    return { status: 200, body: { items } };
  };
  return {
    copyAcross: (call) => across(call, () => undefined),
    moveAcross: (call) => across(call, (entry) => () => world.store.delete(entry)),
  };
}

function grantedDrive(world: World, driveId: string): string {
  const { backup, resource } = world.profile.drives;
  if (driveId !== backup && driveId !== resource) throw apiError('web', 'ForbiddenDriveNotValid');
  return driveId;
}

function findWhole(world: World, driveId: string, fileId: string): StoredEntry {
  const entry = world.store.find(driveId, fileId);
  if (!entry || entry.fileId === ROOT_ID || entry.uploadingBytes !== undefined) throw apiError('web', 'NotFound.File');
  if (isInBin(world, entry)) throw apiError('web', 'ForbiddenFileInTheRecycleBin');
  return entry;
}
