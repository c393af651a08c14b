import type { RuntimeStatus } from '../../protocol/control/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import type { CommandContext } from '../command.ts';
import { showStatus } from '../show-status.ts';

export async function run(context: CommandContext): Promise<number> {
  const { connect, home, json, out } = context;
  let status: RuntimeStatus;
  try {
    const holdfast = await connect({ start: false });
    status = await holdfast.status();
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'unreachable') throw error;
    status = absent(home);
  }
  if (json) out.json(status);
  else showStatus(out, status);
  return 0;
}

/** Nobody to ask: what can be said without a runtime. */
function absent(home: string): RuntimeStatus {
  return {
    home,
    launcher: { pid: null, state: 'absent' },
    srv: { pid: null, state: 'absent', version: '', epoch: '' },
    host: { pid: null, state: 'absent' },
    sessions: { live: 0, exited: 0 },
  };
}
