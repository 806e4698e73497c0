import { createHash } from 'node:crypto';
import type { Content } from './content.ts';

/** How many bytes the probe for a rapid upload hashes. */
const HEAD_BYTES = 1024;

/**
 * Every content that the service has ever seen, from this account or from others: what a rapid upload may hit. Contents
 * that show no hash cannot be hit.
 */
export class KnownContents {
  /** Hashed only when somebody asks: most accounts here never see a rapid upload. */
  #unread: Content[] = [];
  readonly #byHash = new Map<string, Content>();
  readonly #heads = new Set<string>();

  add(content: Content): void {
    this.#unread.push(content);
  }

  /** Compared without regard to case; a hash that belongs to another size is not found. */
  find(sha1: string, size: number): Content | undefined {
    this.#readAll();
    const content = this.#byHash.get(sha1.toUpperCase());
    return content?.size === size ? content : undefined;
  }

  /** Whether a content begins with the 1024 bytes of that hash. */
  hasHead(sha1: string): boolean {
    this.#readAll();
    return this.#heads.has(sha1.toUpperCase());
  }

  /** Contents whose bytes are gone. */
  forget(gone: ReadonlySet<Content>): void {
    this.#unread = this.#unread.filter((content) => !gone.has(content));
    for (const [hash, content] of this.#byHash) if (gone.has(content)) this.#byHash.delete(hash);
  }

  #readAll(): void {
    for (const content of this.#unread.splice(0)) {
      const digests = content.digests();
      if (!digests) continue;
      this.#byHash.set(digests.sha1, content);
      const head = content.read(0, Math.min(HEAD_BYTES, content.size));
      this.#heads.add(createHash('sha1').update(head).digest('hex').toUpperCase());
    }
  }
}
