import type { RuntimeStatus } from '../protocol/control/index.ts';
import { bytes, table } from './format.ts';
import type { Output } from './output.ts';

/** `status` for people. */
export function showStatus(out: Output, status: RuntimeStatus): void {
  const { srv, sessions, spare, events } = status;
  const colour = srv.state === 'running' ? 'green' : srv.state === 'absent' ? 'dim' : 'yellow';
  const rows = [
    ['home', status.home],
    ['srv', `${out.paint(colour, srv.state)}${srv.pid === null ? '' : `, pid ${srv.pid}, version ${srv.version}`}`],
  ];
  if (status.launcher.state !== 'absent')
    rows.push(['launcher', `${status.launcher.state}, pid ${status.launcher.pid}`]);
  if (status.host.state !== 'absent') rows.push(['host', `${status.host.state}, pid ${status.host.pid}`]);
  if (srv.pid !== null) rows.push(['sessions', `${sessions.live} live, ${sessions.exited} exited`]);
  if (spare !== undefined)
    rows.push(['spare shim', spare.pid === null ? `none of ${spare.configured}` : `pid ${spare.pid}`]);
  if (status.spill_bytes !== undefined) rows.push(['output on disk', bytes(status.spill_bytes)]);
  if (events !== undefined)
    rows.push([
      'events',
      events.last_version < events.first_version ? 'none yet' : `${events.first_version} to ${events.last_version}`,
    ]);
  for (const problem of status.problems ?? []) rows.push(['problem', out.paint('red', problem)]);
  for (const line of table(rows)) out.line(line);
}
