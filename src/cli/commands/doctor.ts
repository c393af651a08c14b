import { flag } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { examine, type Finding } from '../doctor.ts';
import { repair } from '../repair.ts';

const MARKS = { ok: 'ok', note: 'note', problem: 'PROBLEM' } as const;

export async function run(context: CommandContext): Promise<number> {
  const { home, json, out, options } = context;
  if (flag(options, 'repair')) {
    const report = await repair(context);
    if (json) out.json(report);
    else
      for (const [key, value] of Object.entries(report))
        out.line(`${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`);
    return report['ok'] === false ? 1 : 0;
  }
  const findings = await examine(home, () => context.connect({ start: false }));
  const healthy = findings.every(({ level }) => level !== 'problem');
  if (json) out.json({ home, healthy, findings });
  else for (const finding of findings) out.line(describe(out, finding));
  return healthy ? 0 : 1;
}

function describe(out: CommandContext['out'], { level, check, message, hint }: Finding): string {
  const colour = level === 'ok' ? 'green' : level === 'note' ? 'yellow' : 'red';
  const advice = hint === undefined ? '' : `; ${hint}`;
  return `${out.paint(colour, MARKS[level].padEnd(7))}  ${check}: ${message}${advice}`;
}
