/**
 * The child's environment: the caller's as it is, the session's mark, a terminal type where there is a terminal, and for
 * an agent how to speak to its session.
 */
import { dirname } from 'node:path';
import { SESSION_MARK } from '../../process/index.ts';
import type { LaunchSpec } from '../../protocol/launch/index.ts';

const DEFAULT_TERM = 'xterm-256color';

/** Of a name given twice the last one counts, for every program alike. */
export function childEnvironment(
  spec: Pick<LaunchSpec, 'env' | 'kind' | 'session_id' | 'session_dir' | 'agent'>,
): [string, string][] {
  const entries = new Map(spec.env);
  entries.set(SESSION_MARK, spec.session_id);
  if (spec.kind === 'pty' && !entries.has('TERM')) entries.set('TERM', DEFAULT_TERM);
  if (spec.agent !== undefined && spec.agent !== null) {
    entries.set('HOLDFAST_TOKEN', spec.agent.token);
    // `sessions/<id>/` of the home.
    entries.set('HOLDFAST_HOME', dirname(dirname(spec.session_dir)));
    entries.set('HOLDFAST_REPORT', spec.agent.report);
  }
  return [...entries];
}
