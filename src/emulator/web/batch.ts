import { type Act, type Answer, errorReply, ok } from '../api-host.ts';
import { Fields, isRecord } from '../api-request.ts';
import { invalidField } from '../errors.ts';
import { ApiError, type Reply } from '../reply.ts';
import type { FileRoutes } from './file-routes.ts';
import type { writeRoutes } from './write-routes.ts';

const MOST_REQUESTS = 100;

/** Answers up to a hundred calls in one; each part has a status of its own, the whole is a 200 whatever they say. */
export function createBatch(files: FileRoutes, writes: ReturnType<typeof writeRoutes>): Answer {
  const parts: Readonly<Record<string, Act>> = {
    '/file/get': ok(files.get),
    '/file/search': ok(files.search),
    '/file/get_download_url': ok(files.downloadUrl),
    '/file/update': writes.update,
    '/file/move': writes.move,
    '/file/copy': writes.copy,
    '/file/delete': writes.remove,
    '/recyclebin/trash': writes.trash,
    '/recyclebin/restore': writes.restore,
    '/async_task/get': writes.task,
  };
  return (call) => {
    const requests = call.fields.objects('requests', MOST_REQUESTS);
    const ids = requests.map((request) => request.text('id'));
    if (new Set(ids).size < ids.length) throw invalidField('requests', 'id should be unique');
    const responses = requests.map((request, index) => {
      const body = new Fields(isRecord(request.all.body) ? request.all.body : {});
      const reply = answerPart(() => parts[request.text('url')]?.({ ...call, fields: body }));
      return { id: ids[index], status: reply.status, body: reply.body };
    });
    return { responses };
  };
}

function answerPart(act: () => Reply | undefined): Reply {
  try {
    const reply = act();
    if (!reply) throw new ApiError(404, 'NotFound', 'The requested url is not found.');
    return reply;
  } catch (error) {
    if (error instanceof ApiError) return errorReply('web', error);
    throw error;
  }
}
