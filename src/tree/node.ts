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
  /**
   * What is there may be told from a long listing of at most ten minutes ago, or from any while nothing is heard of the service;
   * it is then revalidated behind the answer. That something is absent is never told so.
   */
  readonly mayBeStale?: boolean;
  /** The answer decides about a write: where the service cannot be asked, fail rather than tell what was known last. */
  readonly forWriting?: boolean;
}
