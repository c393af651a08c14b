/** Entry of the srv process: `holdfast.cjs --process=srv --home PATH [--repair]`. The composition root: nothing else reads the environment. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { HoldfastError, invalid, type WireError } from '../protocol/index.ts';
import { createFaults, createIds, systemClock } from '../runtime/index.ts';
import { isDetached, runtimeEnvironment, startDetached } from './detach.ts';
import { type RepairReport, repairHome } from './repair.ts';
import { type Srv, startSrv } from './srv.ts';
import { reportStart } from './start-report.ts';

/** sysexits.h: EX_SOFTWARE. */
const EXIT_SOFTWARE = 70;

const loader = join(import.meta.dirname, 'holdfast.cjs');

const args = process.argv.slice(2);
if (args.includes('--repair')) repair();
else if (isDetached(process.env))
  void main(); // Reports its own failures.
else startDetached([loader, '--process=srv', ...args], process.env);

async function main(): Promise<void> {
  const faultPlan = process.env['HOLDFAST_FAULT_PLAN'];
  delete process.env['HOLDFAST_FAULT_PLAN'];
  const env = runtimeEnvironment(process.env);
  process.umask(0o077);
  process.chdir('/');
  let srv: Srv | null = null;
  const end = (exitCode: number): void => {
    const stopped = srv === null ? Promise.resolve() : srv.stop();
    stopped.then(
      () => process.exit(exitCode),
      () => process.exit(EXIT_SOFTWARE),
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end(0));
  process.on('SIGHUP', () => {
    // srv outlives whatever terminal it was started from.
  });
  // A state nobody thought of is not served on: the next srv replays a good one and finds every session.
  process.on('uncaughtException', (error) => {
    if (srv === null) reportStart({ report: 'failed', error: HoldfastError.from(error).toWire() });
    else srv.noteCrash(error);
    process.exit(EXIT_SOFTWARE);
  });
  try {
    srv = await startSrv({
      home: homeArgument(),
      version: __HOLDFAST_VERSION__,
      clock: systemClock,
      ids: createIds(systemClock),
      faults: createFaults(faultPlan),
      faultPlan,
      shim: { node: process.execPath, args: [loader, '--process=shim'], env },
      report: [process.execPath, loader, 'report'].map(quoted).join(' '),
      workerPath: join(import.meta.dirname, 'log-worker.cjs'),
      ended: end,
    });
  } catch (thrown) {
    reportStart({ report: 'failed', error: HoldfastError.from(thrown).toWire() });
    process.exit(1);
  }
  if (srv === null) {
    reportStart({ report: 'lock_held' });
    process.exit(0);
  }
  reportStart({ report: 'ready', pid: process.pid });
}

/** Prints one JSON object and ends. */
function repair(): void {
  let report: RepairReport | { ok: false; error: WireError };
  try {
    report = repairHome(homeArgument(), { clock: systemClock, ids: createIds(systemClock) });
  } catch (thrown) {
    report = { ok: false, error: HoldfastError.from(thrown).toWire() };
  }
  process.stdout.write(`${JSON.stringify(report)}\n`);
  process.exitCode = report.ok ? 0 : 1;
}

/** For sh. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function homeArgument(): string {
  const options = { home: { type: 'string' }, repair: { type: 'boolean' } } as const;
  let home: string | undefined;
  try {
    ({ home } = parseArgs({ args, options }).values);
  } catch (error) {
    throw invalid('--home', `srv takes --home PATH: ${(error as Error).message}`);
  }
  if (home === undefined) throw invalid('--home', 'srv takes --home PATH');
  return home;
}
