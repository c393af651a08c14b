/** The child's environment: the caller's as it is, the session's mark, and a terminal type where there is a terminal. */
import { SESSION_MARK } from '../../process/index.ts';
import type { LaunchSpec } from '../../protocol/launch/index.ts';

const DEFAULT_TERM = 'xterm-256color';

/** Of a name given twice the last one counts, for every program alike. */
export function childEnvironment(spec: Pick<LaunchSpec, 'env' | 'kind' | 'session_id'>): [string, string][] {
  const entries = new Map(spec.env);
  entries.set(SESSION_MARK, spec.session_id);
  if (spec.kind === 'pty' && !entries.has('TERM')) entries.set('TERM', DEFAULT_TERM);
  return [...entries];
}
