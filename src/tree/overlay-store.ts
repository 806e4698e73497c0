import type { Entry } from '../drive/entry.ts';
import type { Logger } from '../log.ts';
import type { StateKey, StateStore, StateValue } from '../state/store.ts';
import type { OwnWriteRecord } from './own-writes.ts';

export interface OverlayStoreDeps {
  readonly store: StateStore;
  /** Whose; rejects with a `DriveError` while nobody has signed in. */
  readonly userId: () => Promise<string>;
  readonly log: Logger;
}

/** Our own writes in the state, so that a restart right after a write shows it as it is. */
export class OverlayStore {
  readonly #deps: OverlayStoreDeps;
  /** The last change of each record under way: one overtaking another would bring back what is past. */
  readonly #underWay = new Map<string, Promise<boolean>>();

  constructor(deps: OverlayStoreDeps) {
    this.#deps = deps;
  }

  async load(now: number): Promise<OwnWriteRecord[]> {
    const records: OwnWriteRecord[] = [];
    for await (const { value } of this.#deps.store.range([await this.#deps.userId(), 'v1', 'overlay'])) {
      const record = parseRecord(value, now);
      if (record) records.push(record);
    }
    return records.toSorted((one, other) => one.writtenAt - other.writtenAt);
  }

  /**
   * Resolves when it would survive a crash. What was written is in the drive all the same, so a full disk fails no write.
   * @returns whether it would
   */
  save({ state, entry, writtenAt, isReplaced }: OwnWriteRecord): Promise<boolean> {
    const record: OwnWriteRecord = { state, entry, writtenAt, isReplaced };
    return this.#inTurn(entry, (key) => this.#deps.store.put(key, record));
  }

  /** @param mayGo whether nothing on the disk contradicts the write any more; the record stays where something does */
  async remove({ entry }: OwnWriteRecord, mayGo: Promise<boolean>): Promise<void> {
    await this.#inTurn(entry, async (key) => {
      if (await mayGo) await this.#deps.store.remove(key);
    });
  }

  /** Resolves when nothing is under way any more. */
  async idle(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  #inTurn({ driveId, parentId, id }: Entry, work: (key: StateKey) => Promise<void>): Promise<boolean> {
    const name = [driveId, parentId, id].join('/');
    const before = this.#underWay.get(name);
    const run = async (): Promise<boolean> => {
      await before;
      let isDone = false;
      try {
        await work([await this.#deps.userId(), 'v1', 'overlay', driveId, parentId, id]);
        isDone = true;
      } catch (error) {
        this.#deps.log.error({ error, entry: name }, 'a write could not be remembered for after a restart');
      }
      if (this.#underWay.get(name) === mine) this.#underWay.delete(name);
      return isDone;
    };
    const mine = run();
    this.#underWay.set(name, mine);
    return mine;
  }
}

/** @returns undefined for what no version of this program that we know has stored */
function parseRecord(value: StateValue, now: number): OwnWriteRecord | undefined {
  if (!isObject(value) || !isEntry(value.entry)) return undefined;
  const { state, writtenAt, entry } = value;
  if (state !== 'present' && state !== 'absent') return undefined;
  // After the clock was put back, what seems to be still to come is as old as this start.
  const at = Math.min(Number(writtenAt) || 0, now);
  return { state, entry: { ...ABSENT_FIELDS, ...entry }, writtenAt: at, isReplaced: value.isReplaced === true };
}

/** JSON leaves out what is undefined. */
const ABSENT_FIELDS = {
  contentHash: undefined,
  mimeType: undefined,
  liveStreams: undefined,
  blockedReason: undefined,
} as const;

function isEntry(value: unknown): value is Entry {
  if (!isObject(value)) return false;
  const texts = [value.driveId, value.id, value.parentId, value.name];
  const numbers = [value.sizeBytes, value.createdAt, value.updatedAt];
  return (
    texts.every((text) => typeof text === 'string') &&
    numbers.every((number) => typeof number === 'number') &&
    (value.kind === 'file' || value.kind === 'folder') &&
    typeof value.trashed === 'boolean'
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
