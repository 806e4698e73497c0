import type { Entry } from '../drive/entry.ts';

/** An entry under the name that paths use for it. */
export interface TreeNode {
  /** Mapped (`names.ts`) and unique in its folder; empty for the served root alone. */
  readonly name: string;
  readonly entry: Entry;
}

export interface ReadOptions {
  /** Answer from nothing that was fetched before this request began, or fail. */
  readonly fresh?: boolean;
}
