import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, type Registry } from 'prom-client';
import { addFigure } from './figure.ts';

/** How often the event loop is looked at. */
const RESOLUTION_MS = 20;

/**
 * The process, under the names that Prometheus' clients use. `collectDefaultMetrics` knows them, too, but cannot be stopped, and
 * from the start on wakes an idle process a hundred times a second: here the event loop is watched from the first scrape on.
 * @returns stops watching
 */
export function watchProcess(registry: Registry): () => void {
  addFigure(registry, 'process_start_time_seconds', 'Unix time.', () => performance.timeOrigin / 1000);
  addFigure(registry, 'process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
  addFigure(registry, 'nodejs_heap_size_total_bytes', 'The heap.', () => process.memoryUsage().heapTotal);
  addFigure(registry, 'nodejs_heap_size_used_bytes', 'What is used of it.', () => process.memoryUsage().heapUsed);
  addFigure(registry, 'nodejs_external_memory_bytes', 'Memory outside the heap.', () => process.memoryUsage().external);
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Time spent on a processor.',
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  return watchEventLoop(registry);
}

/** Of the time since the last scrape. */
function watchEventLoop(registry: Registry): () => void {
  let delays: IntervalHistogram | undefined;
  let isStopped = false;
  const start = () => {
    if (isStopped || delays) return;
    delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    delays.enable();
  };
  // Comes before those that it sets: they are collected in this order.
  new Gauge({
    name: 'nodejs_eventloop_lag_max_seconds',
    help: 'How late the event loop was at its worst since the last scrape.',
    registers: [registry],
    collect() {
      start();
      const measured = delays && delays.count > 0 ? delays : undefined;
      this.set(toLag(measured?.max));
      p50.set(toLag(measured?.percentile(50)));
      p99.set(toLag(measured?.percentile(99)));
      delays?.reset();
    },
  });
  const lag = (name: string, help: string) => new Gauge({ name, help, registers: [registry] });
  const p50 = lag('nodejs_eventloop_lag_p50_seconds', 'How late it was half of the time at most.');
  const p99 = lag('nodejs_eventloop_lag_p99_seconds', 'How late it was for all but a hundredth of the time.');
  return () => {
    isStopped = true;
    delays?.disable();
  };
}

/** What is measured is the time between two looks. */
function toLag(nanoseconds: number | undefined): number {
  return nanoseconds === undefined ? 0 : Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000);
}
