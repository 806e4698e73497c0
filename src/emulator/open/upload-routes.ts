import type { Answer } from '../api-host.ts';
import { type Created, create } from '../create.ts';
import { askedPartNumbers, completeUpload, listParts, openSession } from '../finish-upload.ts';
import type { World } from '../world.ts';
import { openEntryJson } from './entry-json.ts';

interface UploadRoutes {
  readonly create: Answer;
  readonly uploadUrl: Answer;
  readonly uploadedParts: Answer;
  readonly complete: Answer;
}

/** From the name of a new entry to its last byte. */
export function uploadRoutes(world: World): UploadRoutes {
  return {
    create: (call) => {
      const mode = call.fields.oneOf('check_name_mode', ['refuse', 'auto_rename', 'ignore'], 'ignore');
      return createdJson(world, create(world, 'open', call, mode));
    },
    uploadUrl: ({ fields }) => {
      const session = openSession(world, 'open', fields);
      return {
        drive_id: session.driveId,
        file_id: session.fileId,
        upload_id: session.uploadId,
        created_at: new Date(session.createdAt).toISOString(),
        part_info_list: askedPartNumbers(fields).map((number) => ({
          part_number: number,
          part_size: null,
          upload_url: world.uploadLinks.sign(session, number),
        })),
      };
    },
    uploadedParts: ({ fields }) => {
      const session = openSession(world, 'open', fields);
      const { parts, next } = listParts(session, fields);
      return {
        drive_id: session.driveId,
        upload_id: session.uploadId,
        parallelUpload: false,
        uploaded_parts: parts.map(({ etag, number, size }) => ({ etag, part_number: number, part_size: size })),
        next_part_number_marker: next,
      };
    },
    complete: ({ fields }) => openEntryJson(completeUpload(world, 'open', fields), undefined),
  };
}

function createdJson(world: World, created: Created): Record<string, unknown> {
  const { entry, outcome } = created;
  const session = outcome === 'rapid' || outcome === 'upload' ? created.session : undefined;
  return {
    drive_id: entry.driveId,
    parent_file_id: entry.parentFileId,
    file_id: entry.fileId,
    file_name: entry.name,
    status: outcome === 'exists' ? 'available' : null,
    type: entry.type,
    upload_id: session?.uploadId ?? null,
    available: false,
    exist: outcome === 'exists',
    rapid_upload: outcome === 'rapid',
    part_info_list:
      outcome === 'upload'
        ? created.parts.map(({ number }) => ({
            part_number: number,
            part_size: null,
            upload_url: world.uploadLinks.sign(created.session, number),
            content_type: '',
          }))
        : null,
  };
}
