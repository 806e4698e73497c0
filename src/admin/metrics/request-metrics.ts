import { Counter, Histogram, type Registry } from 'prom-client';

/** A request whose answer is over, or whose client has left. */
interface CountedRequest {
  readonly method: string;
  /** undefined when the client left before there was one. */
  readonly status: number | undefined;
  /** One of a few names. */
  readonly client: string | undefined;
  readonly delivery: 'redirect' | 'stream' | undefined;
  readonly bytes: number;
  readonly ms: number;
}

export interface RequestMetrics {
  readonly onRequest: (request: CountedRequest) => void;
}

/** What we know of, and what else is seen in the wild; node's parser takes some more, which nobody needs to tell apart. */
const METHODS = new Set(
  'OPTIONS GET HEAD POST PUT PATCH DELETE PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK REPORT SEARCH'.split(' '),
);

const BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export function createRequestMetrics(registry: Registry): RequestMetrics {
  const registers = [registry];
  const requests = new Counter({
    name: 'alidav_requests_total',
    help: 'Requests, by method, status of the answer ("none": the client left before) and kind of client.',
    labelNames: ['method', 'status', 'client'],
    registers,
  });
  const seconds = new Histogram({
    name: 'alidav_request_duration_seconds',
    help: 'From the head of a request to the end of its answer, by method and by how a file was delivered.',
    labelNames: ['method', 'delivery'],
    buckets: BUCKETS_S,
    registers,
  });
  const deliveries = new Counter({
    name: 'alidav_deliveries_total',
    help: 'Files that clients were redirected to, or that were streamed to them.',
    labelNames: ['delivery', 'client'],
    registers,
  });
  const sent = new Counter({
    name: 'alidav_sent_bytes_total',
    help: 'Bytes sent to clients, heads included; counted at the end of an answer.',
    registers,
  });
  return {
    onRequest({ method: asked, status = 'none', client = 'unknown', delivery, bytes, ms }) {
      const method = METHODS.has(asked) ? asked : 'other';
      requests.inc({ method, status, client });
      // The clock may be set back meanwhile, and a counter that is made smaller throws.
      seconds.observe({ method, delivery: delivery ?? 'none' }, Math.max(0, ms) / 1000);
      if (delivery) deliveries.inc({ delivery, client });
      if (bytes > 0) sent.inc(bytes);
    },
  };
}
