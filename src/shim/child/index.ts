/** Starts the session's child: on a pseudoterminal or on pipes. */
import type { LibC, OutputEnd } from '../../process/index.ts';
import type { LaunchSpec } from '../../protocol/launch/index.ts';
import type { Clock } from '../../runtime/index.ts';
import type { Child, ChildHandlers } from '../contract.ts';
import { checkStart } from './checks.ts';
import { PipeChild } from './pipes.ts';
import { TerminalChild } from './pty.ts';

export interface StartPorts {
  clock: Clock;
  /** Saves the 4 ms which mkfifo(1) takes. */
  libc?: LibC | undefined;
}

export interface StartedChild extends Child {
  /** The child's sides of the output streams that have not ended: what `ProcessTree.holders` looks for. */
  outputEnds(): readonly OutputEnd[];
}

/** Checks first, then starts; throws `start_failed` with `details.exit_status` 125–127. Synchronous throughout. */
export function startChild(spec: LaunchSpec, handlers: ChildHandlers, ports: StartPorts): StartedChild {
  checkStart(spec);
  const inherited = spec.umask === null ? undefined : process.umask(spec.umask);
  try {
    return spec.kind === 'pty'
      ? new TerminalChild(spec, handlers, ports.clock)
      : new PipeChild(spec, handlers, ports.libc);
  } finally {
    if (inherited !== undefined) process.umask(inherited);
  }
}
