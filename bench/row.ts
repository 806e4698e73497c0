/** Decimals that each unit is printed with. */
const DIGITS = { '×': 2, 'MB/s': 2, s: 1, ms: 0, MB: 0, calls: 0, bodies: 0, answers: 0 } as const;

/** One line of the table: what was compared, what came out, what it must reach. */
export interface Row {
  readonly name: string;
  /** What the figure says and what it is held against. */
  readonly compares: string;
  readonly figure: number;
  readonly unit: keyof typeof DIGITS;
  readonly bound: number;
  /** Whether the figure should stay below its bound or above it. */
  readonly better: 'lower' | 'higher';
}

export function isReached({ figure, bound, better }: Row): boolean {
  return better === 'lower' ? figure <= bound : figure >= bound;
}

/** A machine that is short of time is no proof of a fault: what depends on it may miss its bound by so much of it. */
const SLACK = 0.5;

/** The row with a bound that noise does not miss; counts stay as they are. */
export function withSlack(row: Row): Row {
  const { unit, bound, better } = row;
  if (unit === 'calls' || unit === 'bodies' || unit === 'answers') return row;
  const slackened = better === 'lower' ? bound * (1 + SLACK) : bound * (1 - SLACK);
  return { ...row, bound: Number(slackened.toFixed(2)) };
}

export function formatTable(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.name,
    `${row.figure.toFixed(DIGITS[row.unit])} ${row.unit}`,
    `${row.better === 'lower' ? '≤' : '≥'} ${row.bound} ${row.unit}`,
    isReached(row) ? 'reached' : 'MISSED',
    row.compares,
  ]);
  return [['what', 'figure', 'bound', '', 'compared'], ['---', '---:', '---:', '---', '---'], ...cells]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
}
