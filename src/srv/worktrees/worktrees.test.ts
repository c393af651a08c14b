import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HoldfastError } from '../../protocol/index.ts';
import { createGit, type Worktree, Worktrees } from './index.ts';

let directory: string;
let repository: string;
let worktrees: Worktrees;
const git = createGit({
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@localhost',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@localhost',
  // Ambient: another repository than the one asked for.
  GIT_DIR: '/nonexistent',
});

beforeEach(async () => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'hf-wt-')));
  repository = join(directory, 'repo');
  await git(directory, ['init', '-q', '-b', 'main', repository]);
  writeFileSync(join(repository, 'a.txt'), 'one\n');
  await git(repository, ['add', '.']);
  await git(repository, ['commit', '-q', '-m', 'One']);
  worktrees = new Worktrees(join(directory, 'worktrees'), git);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const create = (name = 'fix'): Promise<Worktree> => worktrees.create({ cwd: repository, name });
const refusal = (promise: Promise<unknown>): Promise<HoldfastError> =>
  promise.then(
    () => {
      throw new Error('accepted');
    },
    (error: HoldfastError) => error,
  );

describe('a worktree of an agent', () => {
  it('[V7] is a directory and a branch of its own at the base', async () => {
    const { path, branch, base } = await create();
    expect(branch).toBe('holdfast/fix');
    expect((await git(path, ['rev-parse', 'HEAD'])).trim()).toBe(base);
    expect((await git(path, ['branch', '--show-current'])).trim()).toBe(branch);
  });

  it('[V7] its diff shows commits, changes and new files, and leaves the index alone', async () => {
    const worktree = await create();
    writeFileSync(join(worktree.path, 'b.txt'), 'committed\n');
    await git(worktree.path, ['add', '.']);
    await git(worktree.path, ['commit', '-q', '-m', 'Two']);
    writeFileSync(join(worktree.path, 'a.txt'), 'changed\n');
    writeFileSync(join(worktree.path, 'c.txt'), 'new\n');
    const before = await git(worktree.path, ['status', '--porcelain']);
    const { patch, truncated } = await worktrees.diff(worktree);
    expect(truncated).toBe(false);
    for (const line of ['+committed', '-one', '+changed', '+new']) expect(patch).toContain(`${line}\n`);
    expect(await git(worktree.path, ['status', '--porcelain'])).toBe(before);
  });

  it('[V8] is removed with its branch when nothing was made in it', async () => {
    const worktree = await create();
    await worktrees.remove(worktree);
    expect(await git(repository, ['branch', '--list', worktree.branch])).toBe('');
    expect(await git(repository, ['worktree', 'list'])).not.toContain(worktree.path);
  });

  it('[V7] is found again by its path, and missed when it is gone', async () => {
    const made = await create();
    const { path, branch } = made;
    expect(await worktrees.open({ path, branch })).toEqual(made);
    await worktrees.remove(made);
    expect(await refusal(worktrees.open({ path, branch }))).toMatchObject({ code: 'not_found', field: 'session' });
  });

  it.each(['a.txt', 'new.txt'])('[V8] is not removed while %s is unsaved', async (file) => {
    const worktree = await create();
    writeFileSync(join(worktree.path, file), 'work\n');
    const error = await refusal(worktrees.remove(worktree));
    expect(error).toMatchObject({ code: 'conflict', field: 'worktree', details: { unsaved: [file] } });
    expect(await worktrees.state(worktree)).toMatchObject({ unsaved: [file], commits: 0 });
  });

  it('[V8] leaves its commits on their branch', async () => {
    const worktree = await create();
    writeFileSync(join(worktree.path, 'b.txt'), 'work\n');
    await git(worktree.path, ['add', '.']);
    await git(worktree.path, ['commit', '-q', '-m', 'Work']);
    const head = await git(worktree.path, ['rev-parse', 'HEAD']);
    await worktrees.remove(worktree);
    expect(await git(repository, ['rev-parse', worktree.branch])).toBe(head);
  });

  it('[V8] is not removed while it has commits on no branch', async () => {
    const worktree = await create();
    await git(worktree.path, ['switch', '-q', '--detach']);
    writeFileSync(join(worktree.path, 'b.txt'), 'work\n');
    await git(worktree.path, ['add', '.']);
    await git(worktree.path, ['commit', '-q', '-m', 'Loose']);
    expect(await refusal(worktrees.remove(worktree))).toMatchObject({ code: 'conflict', details: { commits: 1 } });
  });

  it('[V9] refuses a directory outside a repository, a bad branch, a bad base and a second one of the name', async () => {
    const bad = (request: Partial<Parameters<Worktrees['create']>[0]>) =>
      refusal(worktrees.create({ cwd: repository, name: 'x', ...request }));
    expect(await bad({ cwd: directory })).toMatchObject({ code: 'invalid_argument', field: 'worktree' });
    expect(await bad({ branch: 'no..branch' })).toMatchObject({ code: 'invalid_argument', field: 'branch' });
    expect(await bad({ branch: '--help' })).toMatchObject({ code: 'invalid_argument', field: 'branch' });
    expect(await bad({ base: 'nowhere' })).toMatchObject({ code: 'invalid_argument', field: 'base' });
    await create('x');
    expect(await bad({})).toMatchObject({ code: 'conflict', field: 'worktree' });
  });
});
