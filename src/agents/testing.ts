/** For tests: screens as text, and the least profile. */
import type { AgentProfile } from '../protocol/agent/index.ts';
import { checkProfile } from './check.ts';
import type { ScreenView } from './contract.ts';

/** A screen of these lines; `|` is where the cursor stands, cells between `‹` and `›` are dim. */
export function view(...drawn: string[]): ScreenView {
  let cursor = { row: 0, col: 0 };
  const dim = new Map<number, [from: number, to: number]>();
  const lines = drawn.map((line, row) => {
    const from = line.indexOf('‹');
    const to = line.indexOf('›') - 1;
    if (from >= 0) dim.set(row, [from, to]);
    const plain = line.replace(/[‹›]/g, '');
    const col = plain.indexOf('|');
    if (col >= 0) cursor = { row, col };
    return plain.replace('|', '').trimEnd();
  });
  return {
    rows: lines.length,
    cols: 80,
    lines,
    cursorRow: cursor.row,
    cursorCol: cursor.col,
    cursorVisible: true,
    title: '',
    isDim: (row, from) => {
      const [start, end] = dim.get(row) ?? [0, -1];
      return from >= start && (lines[row]?.length ?? 0) <= end && from < end;
    },
  };
}

export function profileWith(parts: Record<string, unknown>): AgentProfile {
  return checkProfile({ name: 'test', title: 'Test', launch: { argv: ['x'] }, ...parts }, 'profile');
}
