import type { Act } from '../api-host.ts';
import type { Fields } from '../api-request.ts';
import { type Changed, copy, move, type Rule, remove, rename, restore, trash } from '../changes.ts';
import { apiError } from '../errors.ts';
import { listPage } from '../listing.ts';
import { requestedDrive } from '../lookup.ts';
import { sortEntries } from '../store/order.ts';
import type { World } from '../world.ts';
import { acrossRoutes } from './across-routes.ts';
import { webEntryJson } from './entry-json.ts';

const MOST_LISTED = 200;

/** Changes of what is there already, the recycle bin and the tasks; every one is also a part that a batch may hold. */
export function writeRoutes(world: World) {
  const update: Act = ({ fields }) => {
    const mode = fields.oneOf('check_name_mode', ['refuse', 'auto_rename', 'ignore'], 'refuse');
    const entry = rename(world, 'web', fields, mode === 'refuse' ? 'conflict' : mode);
    return { status: 200, body: webEntryJson(entry) };
  };
  const naming = (fields: Fields, absent: 'conflict' | 'ignore') => ({
    rule: readRule(fields, absent),
    newName: fields.optionalText('new_name'),
    onlyOnConflict: false,
  });
  return {
    update,
    move: (call) => {
      const absent = world.settings.webMoveOntoExisting === 'refuse' ? 'conflict' : 'ignore';
      const changed = move(world, 'web', call, naming(call.fields, absent));
      return { status: 200, body: changedJson(changed) };
    },
    copy: (call) => {
      const changed = copy(world, 'web', call, naming(call.fields, 'ignore'));
      return { status: changed.task ? 202 : 201, body: changedJson(changed) };
    },
    trash: (call) => goneReply(trash(world, 'web', call)),
    remove: (call) => goneReply(remove(world, 'web', call)),
    restore: (call) => goneReply(restore(world, 'web', call)),
    binList: ({ fields }) => {
      const driveId = requestedDrive(world, 'web', fields);
      const page = listPage(world.settings, fields, {
        dialect: 'web',
        source: { id: `${driveId} bin`, list: (order) => sortEntries(world.store.binned(driveId), order) },
        limit: Math.min(MOST_LISTED, Math.max(1, fields.integer('limit', 50))),
        includes: () => true,
      });
      return {
        status: 200,
        body: {
          items: page.entries.map((entry) => ({ ...webEntryJson(entry), trashed: true })),
          next_marker: page.nextMarker,
        },
      };
    },
    binClear: ({ fields, task }) => {
      const driveId = requestedDrive(world, 'web', fields);
      const steps = world.store.binned(driveId).map((entry) => () => world.store.delete(entry));
      const { id } = world.tasks.start(steps, task);
      return { status: 202, body: { domain_id: 'bj29', drive_id: driveId, task_id: id, async_task_id: id } };
    },
    task: ({ fields }) => {
      const task = world.tasks.find(fields.text('async_task_id'));
      if (!task) throw apiError('web', 'NotFound.AsyncTask');
      return {
        status: 200,
        body: {
          async_task_id: task.id,
          state: task.state,
          message: '',
          total_process: task.total,
          consumed_process: task.done,
          ...(task.failed > 0 && { failed_process: task.failed }),
          punished_file_count: 0,
        },
      };
    },
    ...acrossRoutes(world),
  } satisfies Record<string, Act>;
}

/** What a move or a copy says of a taken name. */
function readRule(fields: Fields, absent: 'conflict' | 'ignore'): Rule {
  if (fields.all.overwrite === true) return 'overwrite';
  if (fields.all.auto_rename === true) return 'auto_rename';
  const mode = fields.optionalText('check_name_mode');
  return mode === undefined ? absent : fields.oneOf('check_name_mode', ['ignore', 'auto_rename', 'refuse'], 'ignore');
}

function changedJson({ entry, task, exists }: Changed): Record<string, unknown> {
  return {
    domain_id: 'bj29',
    drive_id: entry.driveId,
    file_id: entry.fileId,
    ...(task && { async_task_id: task.id }),
    ...(exists && { exist: true }),
  };
}

/** A file goes without a word, a folder with a task. */
function goneReply(changed: Changed) {
  return changed.task ? { status: 202, body: changedJson(changed) } : { status: 204, body: undefined };
}
