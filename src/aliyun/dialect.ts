import type { AccountInfo } from '../drive/drive.ts';
import type { EntryKey } from '../drive/entry.ts';
import type { ApiClient, Endpoint } from './api-client.ts';

/** In what the two APIs differ, as far as reading goes. */
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
}
