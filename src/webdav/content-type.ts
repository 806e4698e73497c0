import { lookup } from 'mime-types';
import type { TreeNode } from '../tree/node.ts';

/** RFC 9110 §8.3.1; a header can carry nothing else. */
const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:[ \t]*;[\t -~]*)?$/;

/** The media type of a file: the service's word where it is one (uploaders choose it), else what its name tells. */
export function contentTypeOf({ name, entry: { mimeType } }: TreeNode): string {
  if (mimeType !== undefined && MEDIA_TYPE.test(mimeType)) return mimeType;
  return lookup(name) || 'application/octet-stream';
}
