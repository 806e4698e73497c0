import { Gauge, Registry } from 'prom-client';
import { type AccountMetrics, createAccountMetrics } from './account-metrics.ts';
import { watchProcess } from './process-metrics.ts';
import { createRequestMetrics, type RequestMetrics } from './request-metrics.ts';
import { createTransferMetrics, type TransferMetrics } from './transfer-metrics.ts';
import { createUpstreamMetrics, type UpstreamMetrics } from './upstream-metrics.ts';

/** What a scrape gets. */
export interface MetricsText {
  readonly contentType: string;
  /** In Prometheus' text format; asks nobody but this process. */
  render(): Promise<string>;
}

/** All that is counted: whoever has something to tell is given one of these functions, which cost microseconds. */
export interface Metrics extends MetricsText, RequestMetrics, UpstreamMetrics, TransferMetrics, AccountMetrics {
  stop(): void;
}

export interface MetricsOptions {
  readonly version: string;
  /** Epoch ms. */
  readonly now: () => number;
}

/**
 * The metrics of one app, in a registry of its own. What a label may say is bounded by the program: no path, no name, no
 * address and nothing else that a client or the service has sent is one.
 */
export function createMetrics({ version, now }: MetricsOptions): Metrics {
  const registry = new Registry();
  const info = { name: 'alidav_info', help: 'Always 1.', labelNames: ['version'], registers: [registry] };
  new Gauge(info).set({ version }, 1);
  const counters = {
    ...createRequestMetrics(registry),
    ...createUpstreamMetrics(registry),
    ...createTransferMetrics(registry),
    ...createAccountMetrics(registry, now),
  };
  return {
    ...counters,
    contentType: registry.contentType,
    render: () => registry.metrics(),
    stop: watchProcess(registry),
  };
}
