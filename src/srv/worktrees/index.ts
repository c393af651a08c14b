/**
 * A git worktree for an agent: a directory and a branch of its own, so that two agents of one repository do not write
 * into each other's files. What an agent made is never thrown away: a removal refuses while there is work that only the
 * worktree has.
 */
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HoldfastError, invalid } from '../../protocol/index.ts';
import type { Git } from './git.ts';

export { createGit, type Git } from './git.ts';

export interface Worktree {
  /** Absolute. */
  path: string;
  branch: string;
  /** The commit it started from, or the youngest one that it shares with the repository's HEAD. */
  base: string;
  /** Top directory of the repository it belongs to. */
  repository: string;
}

export interface WorktreeRequest {
  /** Any directory of the repository. */
  cwd: string;
  /** Names the directory; the branch too, unless that is given. */
  name: string;
  branch?: string;
  /** Any commit; default: the repository's HEAD. */
  base?: string;
}

export interface WorktreeState {
  /** Files with changes that no commit has, untracked ones too, as `git status --porcelain` names them. */
  unsaved: string[];
  /** Commits that no other branch, tag or remote has. */
  commits: number;
  /** Commits that no branch has at all. */
  loose: number;
}

/** A diff beyond this is cut. */
const DIFF_BYTES = 1024 * 1024;

export class Worktrees {
  readonly #root: string;
  readonly #git: Git;

  constructor(root: string, git: Git) {
    this.#root = root;
    this.#git = git;
  }

  /** Throws `invalid_argument` outside a repository or for a branch name git does not take, `conflict` when it exists. */
  async create({ cwd, name, branch, base }: WorktreeRequest): Promise<Worktree> {
    const repository = await this.#repository(cwd);
    const own = branch ?? `holdfast/${name}`;
    await this.#git(repository, ['check-ref-format', '--branch', own]).catch((error: HoldfastError) =>
      refuse(error, 'branch', `"${own}" is no name for a git branch`),
    );
    const start = base ?? 'HEAD';
    const from = await this.#git(repository, ['rev-parse', '--verify', '--end-of-options', `${start}^{commit}`]).catch(
      (error: HoldfastError) => refuse(error, 'base', `${start} is no commit of ${repository}`),
    );
    const path = join(this.#root, name);
    await mkdir(this.#root, { recursive: true, mode: 0o700 });
    await this.#git(repository, ['worktree', 'add', '-b', own, path, from.trim()]);
    return { path, branch: own, base: from.trim(), repository };
  }

  /** One that was made before. Throws `not_found` when its directory is gone. */
  async open({ path, branch }: Pick<Worktree, 'path' | 'branch'>): Promise<Worktree> {
    if (!existsSync(path))
      throw new HoldfastError('not_found', `the worktree ${path} is gone`, { field: 'session', details: { branch } });
    const common = await this.#git(path, ['rev-parse', '--path-format=absolute', '--git-common-dir']);
    const repository = dirname(common.trimEnd());
    const head = (await this.#git(repository, ['rev-parse', 'HEAD'])).trim();
    const base = (await this.#git(path, ['merge-base', 'HEAD', head])).trim();
    return { path, branch, base, repository };
  }

  /** What it has that its base has not: commits, changes and untracked files alike, as one patch. */
  async diff({ path, base }: Worktree): Promise<{ patch: string; truncated: boolean }> {
    const tree = await this.#snapshot(path);
    const patch = await this.#git(path, ['diff', '--no-color', '--no-ext-diff', base, tree]);
    return { patch: patch.slice(0, DIFF_BYTES), truncated: patch.length > DIFF_BYTES };
  }

  async state({ path, branch }: Worktree): Promise<WorktreeState> {
    const status = await this.#git(path, ['status', '--porcelain', '--untracked-files=all', '--no-renames', '-z']);
    const others = ['--not', `--exclude=${branch}`, '--branches', '--tags', '--remotes'];
    const commits = await this.#git(path, ['rev-list', '--count', 'HEAD', `refs/heads/${branch}`, ...others]);
    const loose = await this.#git(path, ['rev-list', '--count', 'HEAD', '--not', '--branches', '--tags', '--remotes']);
    const unsaved = status
      .split('\0')
      .filter((entry) => entry !== '')
      .map((entry) => entry.slice(3));
    return { unsaved, commits: Number(commits), loose: Number(loose) };
  }

  /** Takes the directory away; the branch stays while it has commits of its own. Throws `conflict` naming unsaved files. */
  async remove(worktree: Worktree): Promise<void> {
    const { unsaved, commits, loose } = await this.state(worktree);
    if (unsaved.length > 0) {
      const shown = unsaved.slice(0, 3).join(', ') + (unsaved.length > 3 ? ', …' : '');
      throw new HoldfastError(
        'conflict',
        `${worktree.path} has ${unsaved.length} unsaved files (${shown}); commit or remove them first`,
        { field: 'worktree', details: { unsaved: unsaved.slice(0, 100) } },
      );
    }
    if (loose > 0)
      throw new HoldfastError(
        'conflict',
        `${worktree.path} has ${loose} commits on no branch; make a branch there first: git switch -c NAME`,
        { field: 'worktree', details: { commits: loose } },
      );
    await this.#git(worktree.repository, ['worktree', 'remove', worktree.path]);
    if (commits === 0) await this.#git(worktree.repository, ['branch', '-D', worktree.branch]);
  }

  async #repository(cwd: string): Promise<string> {
    const top = await this.#git(cwd, ['rev-parse', '--show-toplevel']).catch((error: HoldfastError) =>
      refuse(error, 'worktree', `${cwd} is in no git repository; a worktree needs one`),
    );
    return top.trimEnd();
  }

  /** The directory as it is, as a tree of git; by an index of its own, so that the agent's stays as it is. */
  async #snapshot(path: string): Promise<string> {
    const directory = (await this.#git(path, ['rev-parse', '--absolute-git-dir'])).trimEnd();
    const index = join(directory, 'holdfast-index');
    const env = { GIT_INDEX_FILE: index };
    try {
      await this.#git(path, ['read-tree', 'HEAD'], env);
      await this.#git(path, ['add', '--all', '--', '.'], env);
      return (await this.#git(path, ['write-tree'], env)).trim();
    } finally {
      await rm(index, { force: true });
    }
  }
}

/** What git refused, as the field it was given in. */
function refuse(error: HoldfastError, field: string, message: string): never {
  if (error.code !== 'conflict') throw error;
  throw invalid(field, message);
}
