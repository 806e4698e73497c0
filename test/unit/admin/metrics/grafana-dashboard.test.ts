import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createMetrics } from '../../../../src/admin/metrics/metrics.ts';
import { readTypes } from '../../../support/metrics.ts';

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
}

interface Dashboard {
  readonly schemaVersion: number;
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
  readonly panels: readonly Panel[];
}

const FILE = path.join(import.meta.dirname, '../../../../config/grafana-dashboard.json');
const dashboard = JSON.parse(readFileSync(FILE, 'utf8')) as Dashboard;
const charts = dashboard.panels.filter(({ type }) => type !== 'row');
const queries = charts.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const));

const metrics = createMetrics({ version: '1', now: Date.now });
afterAll(metrics.stop);

/** Every label that a metric ever has, by the metric's name, once something of every kind has been counted. */
async function readLabels(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  metrics.onRequest({ method: 'GET', status: 200, client: 'curl', delivery: 'stream', bytes: 1, ms: 1 });
  metrics.onCall({ endpoint: '/a', status: 200, ms: 1 });
  metrics.watchAccount(() => ({ state: 'ready', accessTokenIssuedAt: 1, accessTokenExpiresAt: 2 }));
  metrics.watchBodies({ places: 3, bodiesInUse: 1, lanesInUse: 0, readersWaiting: 0 });
  const labels = new Map<string, Set<string>>();
  for (const [, name = '', list = ''] of (await metrics.render()).matchAll(/^([a-z]\w*)(?:\{(.*)\})? \S+$/gm)) {
    const known = labels.get(name) ?? new Set<string>();
    labels.set(name, known);
    for (const [, label = ''] of list.matchAll(/(\w+)="/g)) known.add(label);
  }
  return labels;
}

describe('the Grafana dashboard', () => {
  it.each(queries)('%s asks for what there is: %s', async (_title, expr) => {
    const text = expr.replace(/"[^"]*"/g, '""');
    const known = await readLabels();
    const asked = [...text.matchAll(/\b((?:alidav|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)];
    expect(asked.length).toBeGreaterThan(0);
    const grouped = [...text.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/, */));
    for (const [, name = '', selectors = ''] of asked) {
      expect([name, known.has(name)]).toEqual([name, true]);
      const selected = [...selectors.matchAll(/(\w+) *[=!]/g)].map(([, label = '']) => label);
      // Prometheus itself adds the instance.
      expect(selected).toContain('instance');
      const own = [...selected, ...grouped].filter((label) => label !== 'instance');
      for (const label of own) expect([name, label, known.get(name)?.has(label)]).toEqual([name, label, true]);
    }
  });

  it('asks for rates of counters and of histograms alone', async () => {
    const types = readTypes(await metrics.render());
    for (const [, expr] of queries) {
      for (const [, name = ''] of expr.matchAll(/rate\((\w+)/g)) {
        const type = types.get(name) ?? types.get(name.replace(/_(?:bucket|count|sum)$/, ''));
        expect([name, type]).toEqual([name, expect.stringMatching(/^(?:counter|histogram)$/)]);
      }
    }
  });

  it('shows no errors as 0: their series begin with the first one', () => {
    const [, expr] = queries.find(([title]) => title === 'Errors') ?? [];
    expect(expr).toMatch(/^\(sum\(.+\) or vector\(0\)\) \/ sum\(/);
  });

  it('lets people choose their data source', () => {
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(41);
    expect(dashboard.templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource' });
    for (const { datasource, targets = [] } of charts) {
      const sources = [datasource, ...targets.map((target) => target.datasource)];
      for (const source of sources) expect(source?.uid).toMatch(/^\$\{datasource\}$/);
    }
  });

  it('has its panels side by side', () => {
    const taken = new Set<string>();
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    for (const { title, gridPos } of dashboard.panels) {
      expect([title, gridPos.x + gridPos.w <= 24]).toEqual([title, true]);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect([title, taken.has(`${x} ${y}`)]).toEqual([title, false]);
          taken.add(`${x} ${y}`);
        }
      }
    }
  });
});
