import type { AccountInfo } from '../drive/drive.ts';
import type { EntryKey } from '../drive/entry.ts';
import type { ApiClient, Endpoint } from './api-client.ts';
import type { Moves, MovesDeps } from './moves.ts';

/** In what the two APIs differ. */
export interface Dialect {
  readonly list: Endpoint;
  readonly get: Endpoint;
  readonly link: Endpoint;
  readonly quota: Endpoint;
  /** Looks up to 100 entries up in one call. */
  readonly batch: Endpoint;
  toBatchBody(keys: readonly EntryKey[]): object;
  /** Takes the file objects that were found out of a batch answer. */
  parseBatch(json: unknown): readonly unknown[];
  /** The life to ask for; what a link really got is in its URL. */
  readonly linkLifeS: number;
  /** Where a live photo's answer has the links to its streams. */
  readonly streamLinksField: string;
  fetchAccount(api: ApiClient, signal?: AbortSignal): Promise<AccountInfo>;
  readonly writing: WriteDialect;
}

export interface WriteDialect {
  readonly create: Endpoint;
  readonly uploadUrls: Endpoint;
  readonly uploadedParts: Endpoint;
  readonly complete: Endpoint;
  readonly update: Endpoint;
  readonly move: Endpoint;
  readonly copy: Endpoint;
  readonly trash: Endpoint;
  readonly delete: Endpoint;
  readonly task: Endpoint;
  /** Between two drives of an account, which only one of the APIs can. */
  readonly across: { readonly copy: Endpoint; readonly move: Endpoint } | undefined;
  /**
   * The `check_name_mode` of a new file that takes another's place: `overwrite` swaps when the content is complete,
   * `ignore` lets both stand.
   */
  readonly replacingMode: 'overwrite' | 'ignore';
  /** What a request has beside its key and, for a copy, its folder. */
  readonly uploadedPartsFields: object;
  readonly deleteFields: object;
  toCopyFields(name: string): object;
  createMoves(deps: MovesDeps): Moves;
}
