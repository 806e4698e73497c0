import type { Act } from '../api-host.ts';
import type { Fields } from '../api-request.ts';
import { type Created, create, type NameMode } from '../create.ts';
import { apiError } from '../errors.ts';
import { askedPartNumbers, completeUpload, listParts, openSession } from '../finish-upload.ts';
import type { World } from '../world.ts';
import { isoTime, webEntryJson } from './entry-json.ts';

interface UploadRoutes {
  readonly create: Act;
  readonly uploadUrl: Act;
  readonly uploadedParts: Act;
  readonly complete: Act;
}

const INTERNAL_URL = 'http://ccp-bj29-bj-1592982087.oss-cn-beijing-internal.aliyuncs.com/x';

/** From the name of a new entry to its last byte. */
export function uploadRoutes(world: World): UploadRoutes {
  return {
    create: (call) => ({
      status: 201,
      body: createdJson(world, create(world, 'web', call, readMode(call.fields))),
    }),
    uploadUrl: ({ fields }) => {
      const session = openSession(world, 'web', fields);
      return {
        status: 200,
        body: {
          domain_id: 'bj29',
          drive_id: session.driveId,
          file_id: session.fileId,
          upload_id: session.uploadId,
          create_at: isoTime(session.createdAt),
          part_info_list: askedPartNumbers(fields).map((number) => ({
            part_number: number,
            upload_url: world.uploadLinks.sign(session, number),
            content_type: '',
          })),
        },
      };
    },
    uploadedParts: ({ fields }) => {
      const session = openSession(world, 'web', fields);
      const { parts, next } = listParts(session, fields);
      return {
        status: 200,
        body: {
          file_id: session.fileId,
          upload_id: session.uploadId,
          uploaded_parts: parts.map(({ etag, number, size }) => ({ etag, part_number: number, part_size: size })),
          next_part_number_marker: next,
        },
      };
    },
    complete: ({ fields }) => ({
      status: 200,
      body: { ...webEntryJson(completeUpload(world, 'web', fields)), location: 'cn-beijing' },
    }),
  };
}

/** `ignore` belongs to the open API; the old endpoint had a flag in place of a mode. */
function readMode(fields: Fields): NameMode {
  const mode = fields.optionalText('check_name_mode')?.toLowerCase();
  if (mode === undefined) return fields.all.auto_rename === true ? 'auto_rename' : 'refuse';
  if (mode === 'refuse' || mode === 'auto_rename' || mode === 'overwrite') return mode;
  throw apiError('web', 'InvalidParameter.CheckNameMode');
}

function createdJson(world: World, created: Created): Record<string, unknown> {
  const { entry, outcome } = created;
  const common = {
    parent_file_id: entry.parentFileId,
    type: entry.type,
    file_id: entry.fileId,
    domain_id: 'bj29',
    drive_id: entry.driveId,
    file_name: entry.name,
    encrypt_mode: 'none',
  };
  if (outcome === 'folder') return common;
  if (outcome === 'exists') return { ...common, exist: true, status: 'available' };
  const { session } = created;
  return {
    ...common,
    upload_id: session.uploadId,
    rapid_upload: outcome === 'rapid',
    revision_id: session.revisionId,
    location: 'cn-beijing',
    ...(outcome === 'upload' && {
      part_info_list: created.parts.map(({ number, size }) => ({
        part_number: number,
        ...(size !== undefined && { part_size: size }),
        upload_url: world.uploadLinks.sign(session, number),
        internal_upload_url: INTERNAL_URL,
        content_type: '',
      })),
    }),
  };
}
