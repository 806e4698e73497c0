/** How wide one read may get; more connections bring an ordinary account no more, or trouble. */
const MOST_LANES = 3;
/** Chunks of one read that may be under way or wait to be delivered. */
export const MOST_CHUNKS_AHEAD = 4;

const CHUNK_BYTES = 2 ** 20;
/** For a read that goes on and on, so that less of the time goes to requests. */
const LONG_CHUNK_BYTES = 2 * CHUNK_BYTES;
const SMALLEST_CHUNK_BYTES = 128 * 2 ** 10;
/** Of one lane. Where it brings as much, a chunk is over too soon to be worth a request. */
const FAST_BYTES_PER_SECOND = 8 * 2 ** 20;
const TICKS_TO_WIDEN = 2;
const TICKS_TO_NARROW = 5;
const MOST_TICKS_TO_WIDEN = 96;

/** Who waited for whom since the last look. */
export type Observation = 'client-waits' | 'client-is-slow' | 'even';

export interface Sample {
  /** The client has room for more. */
  readonly isWanted: boolean;
  /** Ready for the client and not yet fetched by it. */
  readonly readyBytes: number;
  /** Delivered since the last look. */
  readonly deliveredBytes: number;
  readonly elapsedMs: number;
  readonly lanes: number;
}

export function observe({ isWanted, readyBytes, deliveredBytes, elapsedMs, lanes }: Sample): Observation {
  if (!isWanted) return 'client-is-slow';
  if (readyBytes > 0 || elapsedMs <= 0) return 'even';
  return (deliveredBytes / elapsedMs) * 1000 < FAST_BYTES_PER_SECOND * lanes ? 'client-waits' : 'even';
}

/** A plain value: how wide a read is meant to be, and what speaks for a change. */
export interface LanePlan {
  readonly width: number;
  readonly ticksToWiden: number;
  readonly waitingTicks: number;
  readonly slowTicks: number;
}

export const ONE_LANE: LanePlan = { width: 1, ticksToWiden: TICKS_TO_WIDEN, waitingTicks: 0, slowTicks: 0 };

/** The plan after one more look: a step wider or narrower when the same was seen often enough in a row. */
export function adjust(plan: LanePlan, observation: Observation): LanePlan {
  const { width, ticksToWiden, waitingTicks, slowTicks } = plan;
  switch (observation) {
    case 'even':
      return plan;
    case 'client-waits': {
      const isDue = waitingTicks + 1 >= ticksToWiden;
      if (isDue) return { ...plan, width: Math.min(MOST_LANES, width + 1), waitingTicks: 0, slowTicks: 0 };
      return { ...plan, waitingTicks: waitingTicks + 1, slowTicks: 0 };
    }
    case 'client-is-slow': {
      const isDue = slowTicks + 1 >= TICKS_TO_NARROW;
      if (isDue) return { ...plan, width: Math.max(1, width - 1), waitingTicks: 0, slowTicks: 0 };
      return { ...plan, waitingTicks: 0, slowTicks: slowTicks + 1 };
    }
  }
}

/** A place was needed by others. */
export function narrow({ width, ticksToWiden }: LanePlan): LanePlan {
  return { ...ONE_LANE, ticksToWiden, width: Math.max(1, width - 1) };
}

/** A lane failed: one lane again, and twice as long until the next attempt. */
export function retreat({ ticksToWiden }: LanePlan): LanePlan {
  return { ...ONE_LANE, ticksToWiden: Math.min(MOST_TICKS_TO_WIDEN, ticksToWiden * 2) };
}

/** A lane brought all of its chunk: earlier failures are forgiven. */
export function forgive(plan: LanePlan): LanePlan {
  return plan.ticksToWiden === TICKS_TO_WIDEN ? plan : { ...plan, ticksToWiden: TICKS_TO_WIDEN };
}

/**
 * How long a chunk is. Small ones at first, so that the client soon has what the lanes bring: while the read brings what comes
 * before a chunk, a lane brings the chunk. And small ones at the end, so that no lane works alone for long.
 * @param doneBytes delivered of the read so far
 * @param leftBytes not yet under way
 */
export function toChunkBytes(doneBytes: number, leftBytes: number): number {
  const most = Math.min(LONG_CHUNK_BYTES, Math.max(CHUNK_BYTES, doneBytes / 8));
  const fair = Math.min(most, doneBytes / MOST_LANES, leftBytes / (MOST_LANES + 1));
  const chunkBytes = Math.max(SMALLEST_CHUNK_BYTES, Math.floor(fair));
  return leftBytes - chunkBytes < SMALLEST_CHUNK_BYTES / 2 ? leftBytes : chunkBytes;
}

interface Extent {
  readonly first: number;
  /** Exclusive. */
  readonly end: number;
}

/**
 * The first bytes that nobody fetches, as long as one chunk at most.
 * @param chunks in order; before them, the read itself brings what they do not begin with
 */
export function findGap(
  chunks: readonly Extent[],
  read: { readonly first: number; readonly next: number; readonly end: number },
): Extent | undefined {
  const doneBytes = read.next - read.first;
  const ownEnd = read.next + toChunkBytes(doneBytes, read.end - read.next);
  let first = chunks[0]?.end ?? ownEnd;
  let end = read.end;
  for (const chunk of chunks.slice(1)) {
    if (chunk.first > first) {
      end = chunk.first;
      break;
    }
    first = chunk.end;
  }
  return first < end ? { first, end: Math.min(end, first + toChunkBytes(doneBytes, read.end - first)) } : undefined;
}

/** What a fair turn lasts while others wait. */
const LONGEST_TURN_MS = 2_000;
const SHORTEST_TURN_MS = 250;
/** A seek is what somebody sits and waits for. */
const TURN_BEFORE_A_SEEK_MS = 500;
/** Within so long everybody has had a turn. */
const ROUND_MS = 3_000;

export function toTurnMs(queue: { places: number; readersWaiting: number; hasSeekWaiting: boolean }): number {
  const { places, readersWaiting, hasSeekWaiting } = queue;
  const longestMs = hasSeekWaiting ? TURN_BEFORE_A_SEEK_MS : LONGEST_TURN_MS;
  const shareMs = (ROUND_MS * places) / (places + readersWaiting);
  return Math.max(SHORTEST_TURN_MS, Math.min(longestMs, shareMs));
}
