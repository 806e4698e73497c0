import { Counter, Gauge, type Registry } from 'prom-client';

const OUTCOMES = ['finished', 'instant', 'failed'] as const;
const LOOKUPS = ['hit', 'miss'] as const;

export interface TransferMetrics {
  /** Bytes of files at the storage host. */
  readonly onBytes: (direction: 'received' | 'uploaded', bytes: number) => void;
  /** An upload begins; the result is called at its end. */
  readonly onUpload: () => (outcome: (typeof OUTCOMES)[number]) => void;
  /** A read that may come from the block cache. */
  readonly onLookup: (outcome: (typeof LOOKUPS)[number]) => void;
}

export function createTransferMetrics(registry: Registry): TransferMetrics {
  const registers = [registry];
  const bytes = {
    received: new Counter({
      name: 'alidav_received_bytes_total',
      help: 'Bytes of files received from the storage host.',
      registers,
    }),
    uploaded: new Counter({
      name: 'alidav_uploaded_bytes_total',
      help: 'Bytes of files sent to the storage host, those of failed tries included.',
      registers,
    }),
  };
  const running = new Gauge({ name: 'alidav_uploads_running', help: 'Uploads under way.', registers });
  const uploads = new Counter({
    name: 'alidav_uploads_total',
    help: 'Uploads that have ended ("instant": the service had the content).',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of OUTCOMES) uploads.inc({ outcome }, 0);
  const lookups = new Counter({
    name: 'alidav_cache_lookups_total',
    help: 'Reads that may come from the block cache, and whether they did.',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of LOOKUPS) lookups.inc({ outcome }, 0);

  return {
    onBytes: (direction, count) => bytes[direction].inc(count),
    onUpload() {
      running.inc();
      return (outcome) => {
        running.dec();
        uploads.inc({ outcome });
      };
    },
    onLookup: (outcome) => lookups.inc({ outcome }),
  };
}
