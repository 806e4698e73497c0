import type { ApiCall } from './api-host.ts';
import type { Fields } from './api-request.ts';
import { apiError, type Dialect, invalidField } from './errors.ts';
import { chainOf, requestedDrive, targetFolder } from './lookup.ts';
import { checkName, freeName, nameTaken } from './names.ts';
import { proofCode } from './proof.ts';
import { PlainRefusal } from './reply.ts';
import { bytesContent, type Content } from './store/content.ts';
import type { StoredEntry } from './store/entry.ts';
import type { UploadSession } from './store/uploads.ts';
import { bearerOf } from './tokens.ts';
import type { World } from './world.ts';

export type NameMode = 'refuse' | 'auto_rename' | 'overwrite' | 'ignore';

/** What became of a create, before a dialect writes it. */
export type Created =
  | { readonly outcome: 'folder'; readonly entry: StoredEntry }
  /** Nothing was created: this one was there, of whatever type. */
  | { readonly outcome: 'exists'; readonly entry: StoredEntry }
  | { readonly outcome: 'rapid'; readonly entry: StoredEntry; readonly session: UploadSession }
  | {
      readonly outcome: 'upload';
      readonly entry: StoredEntry;
      readonly session: UploadSession;
      readonly parts: readonly AskedPart[];
    };

interface AskedPart {
  readonly number: number;
  readonly size: number | undefined;
}

export const MOST_PARTS = 10_000;
export const LEAST_PART_BYTES = 100 * 1024;
const DEEPEST = 50;

/** Creates a folder, a file out of known content, or the session of an upload. */
export function create(world: World, dialect: Dialect, call: ApiCall, mode: NameMode): Created {
  const { fields } = call;
  const driveId = requestedDrive(world, dialect, fields);
  const parent = targetFolder(world, dialect, driveId, fields.text('parent_file_id'));
  const name = checkName('name', fields.text('name'));
  fields.text('type');
  const type = fields.oneOf('type', ['file', 'folder'], 'file');
  checkDepth(world, parent, 1);
  const existing = world.store.findChild(parent, name);
  const overwritten = existing && mode === 'overwrite' && type === 'file' ? existing : undefined;
  if (overwritten?.type === 'folder') throw nameTaken(dialect, overwritten);
  const exists = existing && !overwritten && mode !== 'auto_rename' && mode !== 'ignore';
  if (type === 'folder') {
    if (exists) return { outcome: 'exists', entry: existing };
    const free = mode === 'auto_rename' ? freeName(world.store, parent, name) : name;
    return { outcome: 'folder', entry: world.store.addFolder(parent, free) };
  }
  const size = sizeOfRequest(fields);
  const parts = readParts(fields, size);
  if (exists) return { outcome: 'exists', entry: existing };
  checkRoom(world, dialect, driveId, size);
  if (size > world.settings.maxFileBytes) throw tooLarge(dialect);
  const free = mode === 'auto_rename' ? freeName(world.store, parent, name) : name;
  const content = rapidContent(world, dialect, call, size);
  if (content) {
    const entry = overwritten
      ? world.store.replaceContent(overwritten, content)
      : world.store.addFile(parent, free, content);
    return { outcome: 'rapid', entry, session: world.uploads.beginComplete(entry, size) };
  }
  const entry = overwritten ?? world.store.addPending(parent, free, size);
  return { outcome: 'upload', entry, session: world.uploads.begin(entry, size), parts };
}

/** @throws ApiError when something of that height would reach too deep below a folder. */
export function checkDepth(world: World, parent: StoredEntry, height: number): void {
  if (chainOf(world, parent).length + height > DEEPEST) {
    throw invalidField('parent_file_id', `the depth should be less or equal than ${DEEPEST}`);
  }
}

/** The recycle bin counts too; both drives share the account's space. */
export function checkRoom(world: World, dialect: Dialect, driveId: string, bytes: number): void {
  const { backup, resource } = world.profile.drives;
  const used = world.store.usedBytes(...new Set([backup, resource, driveId]));
  if (used + bytes > world.settings.totalBytes) throw apiError(dialect, 'QuotaExhausted.Drive');
}

function tooLarge(dialect: Dialect): Error {
  if (dialect === 'open') return new PlainRefusal({ status: 413, body: 'Payload Too Large' });
  return apiError('web', 'BadRequest', 'file size is exceed');
}

function sizeOfRequest(fields: Fields): number {
  if (fields.all.size === undefined || fields.all.size === null) throw invalidField('size', 'size is required');
  return fields.integer('size', 0);
}

/** An empty list counts as one part. */
function readParts(fields: Fields, size: number): AskedPart[] {
  const list: unknown = fields.all.part_info_list ?? [];
  if (Array.isArray(list) && list.length > MOST_PARTS) {
    throw invalidField('part_info_list', `part count can not over ${MOST_PARTS}`);
  }
  const given = Array.isArray(list) && list.length === 0 ? [] : fields.objects('part_info_list', MOST_PARTS);
  const parts = given.map((part) => ({
    number: part.integer('part_number', 0),
    size: part.all.part_size === undefined ? undefined : part.integer('part_size', 0),
  }));
  if (parts.length === 0) return [{ number: 1, size }];
  if (parts.some((part, index) => part.number !== index + 1)) {
    throw invalidField('part_info_list', 'part_number should begin with 1 and leave none out');
  }
  const isSmall = parts.slice(0, -1).some((part) => (part.size ?? LEAST_PART_BYTES) < LEAST_PART_BYTES);
  if (isSmall || (parts.length - 1) * LEAST_PART_BYTES >= Math.max(1, size)) {
    throw invalidField('part_info_list', 'part_size should be more or equal than 102400');
  }
  return parts.map((part) => (parts.length === 1 ? { ...part, size } : part));
}

/** @returns the content that makes the upload needless. */
function rapidContent(world: World, dialect: Dialect, call: ApiCall, size: number): Content | undefined {
  const { fields, header } = call;
  const hash = fields.optionalText('content_hash');
  const probe = fields.optionalText('pre_hash');
  if (hash === undefined) {
    if (probe === undefined || fields.all.ignore_rapid === true) return undefined;
    if (!isProbeHit(world, probe)) return undefined;
    const extra = { parent_file_id: '', file_name: fields.text('name'), pre_hash: probe };
    throw apiError(dialect, 'PreHashMatched', undefined, dialect === 'web' ? extra : {});
  }
  if (size === 0) return hash.toUpperCase() === EMPTY_HASH ? bytesContent('') : undefined;
  if (world.settings.rapidUpload === 'off' || fields.all.ignore_rapid === true) return undefined;
  const content = world.known.find(hash, size);
  if (!content) return undefined;
  const proof = fields.optionalText('proof_code');
  const version = fields.optionalText('proof_version') ?? 'v1';
  if (version !== 'v1' || proof !== proofCode(content, bearerOf(header('authorization')))) {
    throw apiError(dialect, 'InvalidRapidProof');
  }
  return content;
}

const EMPTY_HASH = 'DA39A3EE5E6B4B0D3255BFEF95601890AFD80709';

function isProbeHit({ settings, known }: World, probe: string): boolean {
  if (settings.preHash !== 'known') return settings.preHash === 'always';
  return settings.rapidUpload === 'on' && known.hasHead(probe);
}
