import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { addFigure } from './figure.ts';

/** An HTTP call to the service. */
interface CountedCall {
  /** One of a few: the path at the API, or what was done at the storage host. */
  readonly endpoint: string;
  /** 0 when there was no answer. */
  readonly status: number;
  readonly ms: number;
}

/** Who reads from the storage host now. */
interface BodyFigures {
  /** How many bodies it may send at a time. */
  readonly places: number;
  readonly bodiesInUse: number;
  /** Of them, those that read ahead of their reader. */
  readonly lanesInUse?: number;
  readonly readersWaiting: number;
}

type ApiQueue = 'list' | 'link' | 'other';

export interface UpstreamMetrics {
  readonly onCall: (call: CountedCall) => void;
  /** Somebody begins to wait for a turn; the result is called when he has it, or has gone without. */
  readonly onWait: (queue: ApiQueue, isBackground: boolean) => (hasTurn: boolean) => void;
  /** Somebody has a place at the storage host. */
  readonly onBodyWait: (waitedMs: number) => void;
  readonly watchBodies: (figures: BodyFigures) => void;
}

const CALL_BUCKETS_S = [0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12, 30];
const WAIT_BUCKETS_S = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 60];
const API_QUEUES: readonly ApiQueue[] = ['list', 'link', 'other'];
const BODY = { queue: 'body', priority: 'interactive' };

export function createUpstreamMetrics(registry: Registry): UpstreamMetrics {
  const registers = [registry];
  let bodies: BodyFigures | undefined;
  const calls = new Counter({
    name: 'alidav_upstream_calls_total',
    help: 'HTTP calls to the service, by endpoint and status (0: no answer).',
    labelNames: ['endpoint', 'status'],
    registers,
  });
  const callSeconds = new Histogram({
    name: 'alidav_upstream_call_duration_seconds',
    help: 'From the start of a call to the end of its answer, at the storage host to its head.',
    labelNames: ['endpoint'],
    buckets: CALL_BUCKETS_S,
    registers,
  });
  const waits = new Histogram({
    name: 'alidav_queue_wait_seconds',
    help: 'Waits for a turn at the API, or for a place at the storage host ("body"), by who waits.',
    labelNames: ['queue', 'priority'],
    buckets: WAIT_BUCKETS_S,
    registers,
  });
  const lengths = new Gauge({
    name: 'alidav_queue_length',
    help: 'How many wait now.',
    labelNames: ['queue'],
    registers,
    collect() {
      this.set({ queue: BODY.queue }, bodies?.readersWaiting ?? 0);
    },
  });
  waits.zero(BODY);
  for (const queue of API_QUEUES) {
    lengths.set({ queue }, 0);
    for (const priority of ['interactive', 'background']) waits.zero({ queue, priority });
  }
  addFigure(registry, 'alidav_bodies_limit', 'Bodies that the storage host may send at a time.', () => bodies?.places);
  addFigure(registry, 'alidav_bodies_in_use', 'Bodies that it sends now.', () => bodies?.bodiesInUse ?? 0);
  addFigure(registry, 'alidav_lanes_in_use', 'Of them, those that read ahead.', () => bodies?.lanesInUse ?? 0);

  return {
    onCall({ endpoint, status, ms }) {
      calls.inc({ endpoint, status });
      callSeconds.observe({ endpoint }, ms / 1000);
    },
    onWait(queue, isBackground) {
      const priority = isBackground ? 'background' : 'interactive';
      const startedAt = performance.now();
      lengths.inc({ queue });
      return (hasTurn) => {
        lengths.dec({ queue });
        if (hasTurn) waits.observe({ queue, priority }, (performance.now() - startedAt) / 1000);
      };
    },
    onBodyWait: (waitedMs) => waits.observe(BODY, Math.max(0, waitedMs) / 1000),
    watchBodies(figures) {
      bodies = figures;
    },
  };
}
