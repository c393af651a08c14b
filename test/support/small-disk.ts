/** File systems of a test's own, where it may mount them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function needsMount(title: string): string {
  return canMount() ? title : `${title} (skipped: no file system may be mounted here)`;
}

export function canMount(): boolean {
  const at = mkdtempSync(join(tmpdir(), 'hf-mount-'));
  const can = mount(at, 'size=64k').status === 0;
  if (can) spawnSync('umount', [at]);
  rmSync(at, { recursive: true, force: true });
  return can;
}

/** A tmpfs at `path` with the options of mount(8), until it is disposed of. */
export function mounted(path: string, options: string): Disposable {
  const { status, stderr } = mount(path, `mode=0700,${options}`);
  if (status !== 0) throw new Error(stderr.toString());
  return { [Symbol.dispose]: () => void spawnSync('umount', ['--lazy', path]) };
}

function mount(path: string, options: string) {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path]);
}
