import { createHash } from 'node:crypto';
import type { OnChanged } from '../../../src/drive/change.ts';
import type { Entry } from '../../../src/drive/entry.ts';
import { DriveError } from '../../../src/drive/errors.ts';
import { makeLocalEntry } from '../../../src/drive/local-entry.ts';
import type { Slot } from '../../../src/tree/slot.ts';
import type { IncomingBody, WriteOptions, Writer } from '../../../src/webdav/ports.ts';
import { entryOf, type MemoryTree } from './memory-tree.ts';

/** Writes a tree in memory, notes what it was asked for, and can be told to fail. */
export class MemoryWriter implements Writer {
  readonly asked: string[] = [];
  readonly contents = new Map<string, string>();
  readonly options: WriteOptions[] = [];
  readonly bodies: IncomingBody[] = [];
  /** Thrown by whatever changes something. */
  error: unknown;
  /** Done once the places are claimed: what others did while this one waited for them. */
  beforeClaimed: () => void = () => {};
  /** How many claims have not been given back. */
  claims = 0;
  /** A file that is replaced keeps its id, as one of the dialects does it. */
  keepsIds = false;
  readonly #tree: MemoryTree;
  readonly #onChanged: OnChanged;
  readonly #placeholders = new Set<string>();
  #made = 0;

  constructor(tree: MemoryTree, onChanged: OnChanged) {
    this.#tree = tree;
    this.#onChanged = onChanged;
  }

  async claim(slots: readonly Slot[]): Promise<() => void> {
    this.asked.push(`claim ${slots.map(({ path }) => path).join(' ')}`);
    this.claims += 1;
    this.beforeClaimed();
    return () => {
      this.claims -= 1;
    };
  }

  async write(slot: Slot, body: IncomingBody, options: WriteOptions): Promise<Entry> {
    this.#begin(`write ${slot.path}`);
    this.options.push(options);
    this.bodies.push(body);
    const content = Buffer.concat(await body.stream.toArray());
    if (body.sizeBytes !== undefined && content.length < body.sizeBytes) throw new DriveError('bad-body', 'short');
    this.contents.set(slot.path, content.toString());
    const contentHash = createHash('sha1').update(content).digest('hex').toUpperCase();
    const id = this.keepsIds && slot.node ? slot.node.entry.id : this.#makeId();
    const from = slot.node?.entry;
    const to = this.#place(slot, { kind: 'file', id, sizeBytes: content.length, contentHash });
    const isSuccessor = from && from.id !== to.id;
    await this.#onChanged({
      removed: isSuccessor ? [from] : [],
      placed: [to],
      origins: isSuccessor ? [{ how: 'overwritten', from, to }] : [],
    });
    return to;
  }

  async hold(slot: Slot): Promise<Entry> {
    this.#begin(`hold ${slot.path}`);
    const { driveId, id } = slot.parent.entry;
    const entry = makeLocalEntry('held', { driveId, id }, slot.serviceName, { kind: 'file', at: 0 });
    this.#placeholders.add(entry.id);
    this.#tree.place(slot.path, entry);
    return entry;
  }

  async createFolder(slot: Slot): Promise<Entry> {
    this.#begin(`mkdir ${slot.path}`);
    return this.#place(slot, { kind: 'folder', id: this.#makeId() });
  }

  async remove(slot: Slot): Promise<void> {
    this.#begin(`remove ${slot.path}`);
    this.#tree.remove(slot.path);
    await this.#onChanged({ removed: slot.node ? [slot.node.entry] : [], placed: [] });
  }

  async move(source: Slot, target: Slot): Promise<Entry> {
    this.#begin(`move ${source.path} ${target.path}`);
    const moved = this.#transfer(source, target, 'infinity', ({ id }) => id);
    this.#tree.remove(source.path);
    await this.#onChanged({ removed: [source, target].flatMap(({ node }) => node?.entry ?? []), placed: [moved] });
    return moved;
  }

  async copy(source: Slot, target: Slot, depth: '0' | 'infinity'): Promise<Entry> {
    this.#begin(`copy ${source.path} ${target.path} ${depth}`);
    const to = this.#transfer(source, target, depth, () => this.#makeId());
    const from = source.node?.entry;
    await this.#onChanged({
      removed: target.node ? [target.node.entry] : [],
      placed: [to],
      origins: from ? [{ how: depth === '0' ? 'copied-alone' : 'copied', from, to }] : [],
    });
    return to;
  }

  isLockPlaceholder({ id }: Entry): boolean {
    return this.#placeholders.has(id);
  }

  #begin(work: string): void {
    this.asked.push(work);
    if (this.claims === 0) throw new Error(`${work}: the place was not claimed.`);
    if (this.error !== undefined) throw this.error;
  }

  #makeId(): string {
    this.#made += 1;
    return `made-${this.#made}`;
  }

  #place({ path, name, parent }: Slot, part: Partial<Entry>): Entry {
    const { driveId, id: parentId } = parent.entry;
    const entry = entryOf(name, { driveId, parentId, ...part });
    this.#tree.place(path, entry);
    return entry;
  }

  #transfer(source: Slot, target: Slot, depth: '0' | 'infinity', toId: (entry: Entry) => string): Entry {
    this.#tree.remove(target.path);
    const paths = depth === '0' ? [source.path] : this.#tree.pathsWithin(source.path);
    for (const from of paths) {
      const entry = this.#tree.peek(from)?.entry;
      if (entry) this.#tree.place(target.path + from.slice(source.path.length), { ...entry, id: toId(entry) });
    }
    const arrived = this.#tree.peek(target.path);
    if (!arrived) throw new Error(`There was nothing at ${source.path}.`);
    return arrived.entry;
  }
}
