import { isDriveError } from '../drive/errors.ts';
import type { Logger } from '../log.ts';
import type { BodySource } from './body-source.ts';
import { Lane, type LaneEnd } from './lane.ts';
import {
  adjust,
  findGap,
  forgive,
  type LanePlan,
  MOST_CHUNKS_AHEAD,
  narrow,
  ONE_LANE,
  observe,
  retreat,
  type Sample,
} from './lane-plan.ts';
import type { LanePool, LaneReader } from './lane-pool.ts';

export interface LanesAheadDeps {
  readonly source: BodySource;
  readonly pool: LanePool;
  readonly log: Logger;
  /** Something arrived, ended or was given up. */
  readonly onChange: () => void;
}

/** What one read fetches ahead: chunks in their order, with gaps where one was given up. */
export class LanesAhead {
  readonly #deps: LanesAheadDeps;
  readonly #reader: LaneReader;
  readonly #first: number;
  readonly #end: number;
  readonly #lanes: Lane[] = [];
  #plan: LanePlan = ONE_LANE;

  /** @param end exclusive */
  constructor(first: number, end: number, deps: LanesAheadDeps) {
    this.#first = first;
    this.#end = end;
    this.#deps = deps;
    this.#reader = deps.pool.createReader(deps.source.file);
  }

  /** Up to where the read has to bring the bytes itself; exclusive. */
  get nextFirst(): number {
    return this.#lanes[0]?.first ?? this.#end;
  }

  get isEmpty(): boolean {
    return this.#lanes.length === 0;
  }

  get running(): number {
    return this.#lanes.filter(({ isRunning }) => isRunning).length;
  }

  /** The lane that has, or will have, the byte. */
  at(next: number): Lane | undefined {
    const [front] = this.#lanes;
    return front && front.first <= next ? front : undefined;
  }

  /** The lane that a read comes to next when it has taken what has arrived; undefined where a gap comes first. */
  findSuccessor(next: number): Lane | undefined {
    let at = next;
    for (const lane of this.#lanes) {
      if (lane.first > at) return undefined;
      if (lane.isRunning) return lane;
      at = lane.end;
    }
    return undefined;
  }

  /** Lets go of the front lane, all of which has been taken. */
  shift(): void {
    this.#lanes.shift();
  }

  /** Learns who waits for whom; to be called at regular intervals. */
  look(sample: Omit<Sample, 'lanes'>): void {
    this.#plan = adjust(this.#plan, observe({ ...sample, lanes: this.#plan.width }));
  }

  /** Opens what the plan wants and the account has to spare. */
  fill(next: number, ownBodies: number): void {
    while (this.running + ownBodies < this.#plan.width && this.#lanes.length < MOST_CHUNKS_AHEAD) {
      const gap = findGap(this.#lanes, { first: this.#first, next, end: this.#end });
      const lane = gap && this.#tryOpen(gap.first, gap.end);
      if (!lane) return;
      const follower = this.#lanes.findIndex(({ first }) => first > lane.first);
      this.#lanes.splice(follower < 0 ? this.#lanes.length : follower, 0, lane);
    }
  }

  /** Forgets all that was fetched ahead. */
  close(): void {
    for (const lane of this.#lanes.splice(0)) lane.close();
    this.#plan = ONE_LANE;
  }

  #tryOpen(first: number, end: number): Lane | undefined {
    const { source, pool, onChange } = this.#deps;
    return Lane.tryOpen(first, end, {
      source,
      pool,
      reader: this.#reader,
      onBytes: () => {
        if (this.#lanes[0]?.first === first) onChange();
      },
      onEnd: (lane, how) => this.#settle(lane, how),
    });
  }

  #settle(lane: Lane, how: LaneEnd): void {
    switch (how.kind) {
      case 'complete':
        this.#plan = forgive(this.#plan);
        break;
      case 'called-back':
        this.#plan = narrow(this.#plan);
        break;
      case 'failed':
        this.#plan = retreat(this.#plan);
        this.#deps.log.debug({ error: how.error, at: lane.end }, 'a lane failed');
        if (isDriveError(how.error, 'too-many-downloads')) this.#deps.pool.noteRefusal();
        break;
    }
    // Where nothing came there is nothing to wait for.
    if (lane.end === lane.first) this.#lanes.splice(this.#lanes.indexOf(lane), 1);
    this.#deps.onChange();
  }
}
