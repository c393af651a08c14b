/** The manifest: enough to rebuild the session's record without any database (DESIGN §8). */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LaunchSpec, MANIFEST_FILE, type Manifest } from '../../protocol/launch/index.ts';
import { storageError } from './claim.ts';

/** Replaces the manifest whole: a reader sees the old or the new one. It holds the environment, hence 0600. */
export function writeManifest(sessionDir: string, manifest: Manifest): void {
  const path = join(sessionDir, MANIFEST_FILE);
  const temporary = `${path}.new`;
  try {
    writeFileSync(temporary, JSON.stringify(manifest), { mode: 0o600 });
    renameSync(temporary, path);
  } catch (error) {
    throw storageError(error, path);
  }
}

export function manifestOf(spec: LaunchSpec, version: string, child: Manifest['child']): Manifest {
  return {
    manifest: 1,
    session_id: spec.session_id,
    kind: spec.kind,
    argv: spec.argv,
    cwd: spec.cwd,
    env: spec.env,
    merge_stderr: spec.merge_stderr,
    rows: spec.rows,
    cols: spec.cols,
    umask: spec.umask,
    limits: spec.limits,
    originator: spec.originator,
    command: spec.command,
    created_at_ms: spec.created_at_ms,
    ...(spec.name === undefined ? {} : { name: spec.name }),
    version,
    child,
  };
}
