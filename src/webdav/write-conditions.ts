import type { Entry } from '../drive/entry.ts';
import { evaluateConditions } from './conditions.ts';
import { DavError } from './errors.ts';
import { formatETag } from './etag.ts';
import type { Exchange } from './method.ts';
import type { WriteDeps } from './write-deps.ts';

/** Holds a write against what is there, undefined where nothing is. @throws DavError 412 */
export async function checkConditions(
  { properties }: Pick<WriteDeps, 'properties'>,
  { request }: Exchange,
  current: Entry | undefined,
): Promise<void> {
  const validators = current && {
    etag: formatETag(current),
    lastModifiedAt: properties.modifiedAtOf(current, await properties.of(current)),
  };
  if (evaluateConditions(request.method ?? '', request.headers, validators) !== 'proceed') {
    throw new DavError(412, 'What is there is not in the state asked for.');
  }
}
