import type { Settings } from './settings.ts';
import type { Links } from './storage/links.ts';
import type { UploadLinks } from './storage/upload-links.ts';
import type { KnownContents } from './store/known-contents.ts';
import type { Store } from './store/store.ts';
import type { Tasks } from './store/tasks.ts';
import type { Uploads } from './store/uploads.ts';
import type { Tokens } from './tokens.ts';
import type { Devices } from './web/devices.ts';

/** The account that is emulated. */
export interface Profile {
  readonly userId: string;
  readonly nickName: string;
  readonly client: { readonly id: string; readonly secret: string };
  readonly drives: { readonly backup: string; readonly resource: string };
}

/** What the routes of both dialects work on. */
export interface World {
  readonly now: () => number;
  readonly profile: Profile;
  readonly settings: Readonly<Settings>;
  readonly store: Store;
  readonly tokens: Tokens;
  readonly devices: Devices;
  readonly links: Links;
  readonly uploads: Uploads;
  readonly uploadLinks: UploadLinks;
  readonly known: KnownContents;
  readonly tasks: Tasks;
  /** Of the storage host; known once it listens. */
  readonly storageUrl: () => string;
}
