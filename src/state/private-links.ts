import { createHash, randomBytes } from 'node:crypto';
import type { Logger } from '../log.ts';
import type { StateKey, StateStore, StateValue } from './store.ts';

/** Read access to a folder for whoever knows its token. */
export interface PrivateLink {
  /** For people, to tell links apart and to remove one by; is no secret. */
  readonly id: string;
  readonly label: string;
  /** The folder that it shows, a path of the served tree. */
  readonly folder: string;
  /** Epoch ms, like all instants here. */
  readonly createdAt: number;
  /** Undefined: it lasts until it is removed. */
  readonly expiresAt: number | undefined;
  /** Within a minute. */
  readonly lastUsedAt: number | undefined;
}

export interface PrivateLinksOptions {
  readonly store: StateStore;
  /** Whose drive the links show; rejects with a `DriveError` while that is not known. */
  readonly userId: () => Promise<string>;
  readonly log: Logger;
  readonly now: () => number;
}

/** Makes a token recognisable, to people and to what keeps secrets out of logs. */
const TOKEN_PREFIX = 'link_';
const TOKEN_BYTES = 24;
const ID_LENGTH = 8;
const USE_NOTED_EVERY_MS = 60_000;

/**
 * The private links of an account. A token is known to nobody but the person it was given to: what is stored is its SHA-256,
 * which for random bytes is enough. Every question goes to the store, so that a link removed by another process is gone
 * with the next request.
 */
export class PrivateLinks {
  readonly #options: PrivateLinksOptions;
  /** When a use was last noted, by hash: only hashes of links that exist get here. */
  readonly #notedAt = new Map<string, number>();

  constructor(options: PrivateLinksOptions) {
    this.#options = options;
  }

  /** @returns the token too, which nobody can be told again */
  async add(
    wanted: Pick<PrivateLink, 'label' | 'folder' | 'expiresAt'>,
  ): Promise<{ readonly link: PrivateLink; readonly token: string }> {
    const token = TOKEN_PREFIX + randomBytes(TOKEN_BYTES).toString('base64url');
    const hash = hashToken(token);
    const { label, folder, expiresAt } = wanted;
    const record = { label, folder, expiresAt, createdAt: this.#options.now(), lastUsedAt: undefined };
    await this.#options.store.put([...(await this.#root()), hash], record);
    return { link: { id: toId(hash), ...record }, token };
  }

  /** The oldest first, those that have expired too. */
  async list(): Promise<readonly PrivateLink[]> {
    const links = (await this.#stored()).map(({ link }) => link);
    return links.sort((a, b) => a.createdAt - b.createdAt);
  }

  /** @returns the link that is no more; undefined where there was none */
  async remove(id: string): Promise<PrivateLink | undefined> {
    const found = (await this.#stored()).find(({ link }) => link.id === id);
    if (found) await this.#options.store.remove(found.key);
    return found?.link;
  }

  /**
   * The living link of a token, and notes that it is used; `ended` for one that was given an end. The look-up is by hash: its
   * time tells nothing of any token.
   */
  async find(token: string): Promise<PrivateLink | 'ended' | undefined> {
    const hash = hashToken(token);
    const key = [...(await this.#root()), hash];
    const stored = await this.#options.store.get(key);
    const link = parseLink(hash, stored);
    const now = this.#options.now();
    if (!link) return undefined;
    if (link.expiresAt !== undefined && link.expiresAt <= now) return 'ended';
    const notedAt = this.#notedAt.get(hash) ?? link.lastUsedAt ?? Number.NEGATIVE_INFINITY;
    if (now - notedAt >= USE_NOTED_EVERY_MS) {
      this.#notedAt.set(hash, now);
      await this.#noteUse(key, stored, now);
    }
    return link;
  }

  /** Conditional, so that a link removed in this very moment does not come back. That it fails keeps nobody from reading. */
  async #noteUse(key: StateKey, stored: StateValue, now: number): Promise<void> {
    try {
      await this.#options.store.compareAndSet(key, stored, { ...(stored as object), lastUsedAt: now });
    } catch (error) {
      this.#options.log.warn({ error }, 'the use of a private link could not be noted');
    }
  }

  async #stored(): Promise<{ readonly key: StateKey; readonly link: PrivateLink }[]> {
    const found: { key: StateKey; link: PrivateLink }[] = [];
    for await (const { key, value } of this.#options.store.range(await this.#root())) {
      const link = parseLink(String(key.at(-1)), value);
      if (link) found.push({ key, link });
    }
    return found;
  }

  async #root(): Promise<StateKey> {
    return [await this.#options.userId(), 'v1', 'private-links'];
  }
}

function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** The beginning of the hash: enough to tell links apart, far too little to find a token by. */
function toId(hash: string): string {
  return hash.slice(0, ID_LENGTH);
}

/** Undefined for what is absent, and for what this version does not understand: nobody gets in by that. */
function parseLink(hash: string, stored: StateValue | undefined): PrivateLink | undefined {
  if (typeof stored !== 'object' || stored === null) return undefined;
  const { label, folder, createdAt, expiresAt, lastUsedAt } = stored as Readonly<Record<string, unknown>>;
  if (typeof label !== 'string' || typeof folder !== 'string' || typeof createdAt !== 'number') return undefined;
  if (expiresAt !== undefined && typeof expiresAt !== 'number') return undefined;
  return {
    id: toId(hash),
    label,
    folder,
    createdAt,
    expiresAt,
    lastUsedAt: typeof lastUsedAt === 'number' ? lastUsedAt : undefined,
  };
}
