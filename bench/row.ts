/** One line of the table: what was compared, what came out, what it must reach. */
export interface Row {
  readonly name: string;
  /** What the figure says and what it is held against. */
  readonly compares: string;
  readonly figure: number;
  readonly unit: '×' | 'ms' | 'MB' | 'calls';
  readonly bound: number;
  /** Whether the figure should stay below its bound or above it. */
  readonly better: 'lower' | 'higher';
}

export function isReached({ figure, bound, better }: Row): boolean {
  return better === 'lower' ? figure <= bound : figure >= bound;
}

export function formatTable(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.name,
    `${row.figure.toFixed(row.unit === '×' ? 2 : 0)} ${row.unit}`,
    `${row.better === 'lower' ? '≤' : '≥'} ${row.bound} ${row.unit}`,
    isReached(row) ? 'reached' : 'MISSED',
    row.compares,
  ]);
  return [['what', 'figure', 'bound', '', 'compared'], ['---', '---:', '---:', '---', '---'], ...cells]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
}
