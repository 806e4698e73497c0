/** A block as its folder shows it. */
export interface StoredBlock {
  readonly name: string;
  readonly sizeBytes: number;
  /** Epoch ms of its last use. */
  readonly usedAt: number;
}

export interface Eviction {
  readonly evicted: readonly StoredBlock[];
  readonly keptBytes: number;
}

/** What has to go, unused for longest first, for the rest to fit in `goalBytes`; nothing while all fits in `limitBytes`. */
export function planEviction(blocks: readonly StoredBlock[], limitBytes: number, goalBytes: number): Eviction {
  let keptBytes = blocks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (keptBytes <= limitBytes) return { evicted: [], keptBytes };
  const evicted: StoredBlock[] = [];
  for (const block of [...blocks].sort((one, other) => one.usedAt - other.usedAt)) {
    if (keptBytes <= goalBytes) break;
    evicted.push(block);
    keptBytes -= block.sizeBytes;
  }
  return { evicted, keptBytes };
}
