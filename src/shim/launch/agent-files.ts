/** Files an agent is started with: settings that install its hooks. */
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { invalid } from '../../protocol/errors.ts';
import type { LaunchSpec } from '../../protocol/launch/index.ts';
import { storageError } from './claim.ts';

/** Into the session's directory, 0600. Throws `invalid_argument`, `storage_full` or `storage_error`. */
export function writeAgentFiles({ session_dir, agent }: Pick<LaunchSpec, 'session_dir' | 'agent'>): void {
  for (const [name, text] of Object.entries(agent?.files ?? {})) {
    if (name === '' || name === '.' || name === '..' || basename(name) !== name)
      throw invalid('agent.files', `a file of an agent is named without a directory, not ${JSON.stringify(name)}`);
    const path = join(session_dir, name);
    try {
      writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
    } catch (error) {
      throw storageError(error, path);
    }
  }
}
