import type { Answer } from '../api-host.ts';
import { type Changed, copy, move, remove, rename, trash } from '../changes.ts';
import { apiError } from '../errors.ts';
import type { World } from '../world.ts';
import { openEntryJson } from './entry-json.ts';
import { listedUrl } from './file-routes.ts';

/** Changes of what is there already. There is no way to look into the recycle bin. */
export function writeRoutes(world: World) {
  return {
    update: ({ fields }) => {
      const mode = fields.oneOf('check_name_mode', ['refuse', 'auto_rename', 'ignore'], 'ignore');
      const entry = rename(world, 'open', fields, mode === 'refuse' ? 'conflict' : mode);
      return openEntryJson(entry, listedUrl(world, entry));
    },
    move: (call) => {
      const changed = move(world, 'open', call, {
        rule: call.fields.oneOf('check_name_mode', ['refuse', 'auto_rename', 'ignore'], 'ignore'),
        newName: call.fields.optionalText('new_name'),
        onlyOnConflict: true,
      });
      return { ...keyJson(changed), async_task_id: null, exist: changed.exists ?? false };
    },
    copy: (call) => {
      const rule = call.fields.all.auto_rename === true ? 'auto_rename' : 'ignore';
      return changedJson(copy(world, 'open', call, { rule, newName: undefined, onlyOnConflict: true }));
    },
    trash: (call) => changedJson(trash(world, 'open', call)),
    remove: (call) => changedJson(remove(world, 'open', call)),
    task: ({ fields }) => {
      const task = world.tasks.find(fields.text('async_task_id'));
      if (!task) throw apiError('open', 'NotFound.AsyncTask');
      return { state: task.state, async_task_id: task.id };
    },
  } satisfies Record<string, Answer>;
}

function keyJson({ entry }: Changed): Record<string, unknown> {
  return { drive_id: entry.driveId, file_id: entry.fileId };
}

function changedJson(changed: Changed): Record<string, unknown> {
  return { ...keyJson(changed), ...(changed.task && { async_task_id: changed.task.id }) };
}
