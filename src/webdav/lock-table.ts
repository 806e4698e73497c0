/** A write lock (RFC 4918 §6, §7). */
export interface Lock {
  /** A URI: `urn:uuid:…` */
  readonly token: string;
  readonly path: string;
  /** The encoded path that the lock was taken on, a folder's with its slash: the lockroot of RFC 4918 §14.12. */
  readonly href: string;
  readonly scope: 'exclusive' | 'shared';
  readonly depth: '0' | 'infinity';
  /** The whole owner element as its client wrote it, with every namespace that it needs; empty where there was none. */
  readonly ownerXml: string;
  /** As granted. */
  readonly timeoutS: number;
  /** Epoch ms. */
  readonly expiresAt: number;
}

const NONE: readonly Lock[] = [];

/** Locks in memory, found by token and by path; those past their time are as if they were not there. */
export class LockTable {
  readonly #byToken = new Map<string, Lock>();
  readonly #byPath = new Map<string, Lock[]>();

  constructor(locks: Iterable<Lock> = []) {
    for (const lock of locks) this.set(lock);
  }

  get size(): number {
    return this.#byToken.size;
  }

  all(): readonly Lock[] {
    return [...this.#byToken.values()];
  }

  set(lock: Lock): void {
    this.delete(lock.token);
    this.#byToken.set(lock.token, lock);
    this.#byPath.set(lock.path, [...(this.#byPath.get(lock.path) ?? NONE), lock]);
  }

  delete(token: string): void {
    const lock = this.#byToken.get(token);
    if (!lock) return;
    this.#byToken.delete(token);
    const others = (this.#byPath.get(lock.path) ?? NONE).filter((other) => other.token !== token);
    if (others.length > 0) this.#byPath.set(lock.path, others);
    else this.#byPath.delete(lock.path);
  }

  find(token: string, now: number): Lock | undefined {
    const lock = this.#byToken.get(token);
    return lock && isAlive(lock, now) ? lock : undefined;
  }

  covering(path: string, now: number): readonly Lock[] {
    if (this.#byPath.size === 0) return NONE;
    const found = this.#at(path, now);
    for (let above = parentOf(path); above !== undefined; above = parentOf(above)) {
      found.push(...this.#at(above, now).filter(({ depth }) => depth === 'infinity'));
    }
    return found;
  }

  within(path: string, now: number): readonly Lock[] {
    return this.all().filter((lock) => isAlive(lock, now) && isWithin(lock.path, path));
  }

  /** What covers each child of a folder, by the child's name, for one answer about all of them. */
  ofChildren(folder: string, now: number): (name: string) => readonly Lock[] {
    if (this.#byPath.size === 0) return () => NONE;
    const inherited = this.covering(folder, now).filter(({ depth }) => depth === 'infinity');
    const prefix = folder === '/' ? folder : `${folder}/`;
    return (name) => {
      const own = this.#at(prefix + name, now);
      return own.length === 0 ? inherited : [...own, ...inherited];
    };
  }

  #at(path: string, now: number): Lock[] {
    return (this.#byPath.get(path) ?? NONE).filter((lock) => isAlive(lock, now));
  }
}

export function isAlive({ expiresAt }: Lock, now: number): boolean {
  return expiresAt > now;
}

/** The path itself counts. */
function isWithin(path: string, folder: string): boolean {
  return path === folder || folder === '/' || path.startsWith(`${folder}/`);
}

export function parentOf(path: string): string | undefined {
  return path === '/' ? undefined : path.slice(0, path.lastIndexOf('/')) || '/';
}
