/** Medians, interleaved rounds and the table `npm run bench` prints. */

/** One contender of a measure: `run` returns one figure in the measure's unit. */
export interface Contender {
  name: string;
  run(): Promise<number>;
}

export interface Row {
  measure: string;
  contender: string;
  median: number;
  low: number;
  high: number;
  unit: string;
  /** Against what the row is judged; the reader sees the ratio, not a verdict. */
  ratio?: string;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Nearest-rank quantile of unsorted values; `q` in [0, 1]. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

/** Runs every contender once per round, in turn, so that a slow minute of the machine hits all of them. */
export async function interleave(contenders: readonly Contender[], rounds: number): Promise<Map<string, number[]>> {
  const figures = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      const figure = await contender.run();
      figures.get(contender.name)?.push(figure);
      process.stderr.write(`  ${contender.name} ${round + 1}/${rounds}: ${format(figure)}\n`);
    }
  }
  return figures;
}

/** Rows for one measure; `base` names the contender the others are divided by. */
export function rows(
  measure: string,
  unit: string,
  figures: Map<string, number[]>,
  bases: readonly string[] = [],
): Row[] {
  return [...figures].map(([contender, values]) => {
    const ratios = bases
      .filter((base) => base !== contender && figures.has(base))
      .map((base) => `${format(median(values) / median(figures.get(base) ?? []))} × ${base}`);
    return {
      measure,
      contender,
      median: median(values),
      low: Math.min(...values),
      high: Math.max(...values),
      unit,
      ...(ratios.length === 0 ? {} : { ratio: ratios.join(', ') }),
    };
  });
}

export function printTable(all: readonly Row[]): string {
  const cells = [
    ['measure', 'contender', 'median', 'min – max', 'unit', 'ratio'],
    ...all.map((row) => [
      row.measure,
      row.contender,
      format(row.median),
      `${format(row.low)} – ${format(row.high)}`,
      row.unit,
      row.ratio ?? '',
    ]),
  ];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((line) => (line[column] ?? '').length)));
  const lines = cells.map((line) => `| ${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`);
  lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  return lines.join('\n');
}

export function format(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 100) return value.toFixed(0);
  if (Math.abs(value) >= 10) return value.toFixed(1);
  return value.toFixed(value < 1 ? 3 : 2);
}
