import type { Target } from '../drive/drive.ts';
import type { Entry, EntryKey } from '../drive/entry.ts';
import { type CopyRecord, isSameContent, mayBeSameContent } from './operation-record.ts';
import type { StepDeps } from './operation-steps.ts';

const TEMPORARY_PREFIX = '.alidav-';

/** A name that nobody else gives; the extension is kept, since the service derives the type from it. */
export function makeTemporaryName(name: string, unique: string): string {
  const extension = /\.[0-9A-Za-z]{1,16}$/.exec(name)?.[0] ?? '';
  return `${TEMPORARY_PREFIX}${unique}${extension}`;
}

/**
 * The copy that the service made without our having been told its id. Only what is proven to be ours counts, for it may be
 * deleted: it has come since, under a name that it can have, and holds nothing that the source does not. Where several fit,
 * none is known to be it.
 */
export async function findStray(deps: StepDeps, record: CopyRecord, signal?: AbortSignal): Promise<Entry | undefined> {
  const { entry, target, arrivalNames, knownIds, bare } = record;
  const known = new Set([...knownIds, entry.id, target.replaces?.id]);
  const strays: Entry[] = [];
  for (const candidate of await deps.listFresh(target.parent, signal)) {
    if (known.has(candidate.id) || !arrivalNames.includes(candidate.name) || candidate.kind !== entry.kind) continue;
    if (await isCopy(deps, candidate, entry, bare, signal)) strays.push(candidate);
  }
  return strays.length === 1 ? strays[0] : undefined;
}

async function isCopy(
  { listFresh }: StepDeps,
  candidate: Entry,
  source: Entry,
  bare: boolean,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (source.kind === 'file') {
    if (candidate.name.startsWith(TEMPORARY_PREFIX)) return mayBeSameContent(candidate, source);
    return isSameContent(candidate, source);
  }
  const copies = await listFresh(toKey(candidate), signal);
  if (copies.length === 0) return true;
  if (bare) return false;
  const originals = await listFresh(toKey(source), signal);
  return copies.every((copy) => originals.some((original) => isLike(copy, original)));
}

function isLike(copy: Entry, original: Entry): boolean {
  if (copy.name !== original.name) return false;
  return copy.kind === 'folder' ? original.kind === 'folder' : isSameContent(copy, original);
}

/** What has come from another drive under its own name. */
export async function findArrival(
  { listFresh }: StepDeps,
  entry: Entry,
  { parent, replaces }: Target,
  knownIds: readonly string[],
  signal?: AbortSignal,
): Promise<Entry | undefined> {
  const known = new Set([...knownIds, replaces?.id]);
  const arrivals = (await listFresh(parent, signal)).filter(
    (candidate) => candidate.name === entry.name && !known.has(candidate.id) && mayBeSameContent(candidate, entry),
  );
  return arrivals.length === 1 ? arrivals[0] : undefined;
}

function toKey({ driveId, id }: EntryKey): EntryKey {
  return { driveId, id };
}
