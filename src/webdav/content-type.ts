import { lookup } from 'mime-types';
import type { TreeNode } from '../tree/node.ts';

/** The media type of a file: the service's word, else what its name tells. */
export function contentTypeOf({ name, entry }: TreeNode): string {
  return entry.mimeType || lookup(name) || 'application/octet-stream';
}
