/** A session whose script names its processes, and what is left of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Session, SessionRecord, SessionSpec } from '../../src/client/index.ts';
import { isAlive, type ProcessIdentity, processIdentity, systemTable } from '../../src/process/index.ts';
import { type TestRuntime, until } from './runtime.ts';

export class SessionTree {
  readonly session: Session;
  readonly id: string;
  readonly record: SessionRecord;
  readonly child: ProcessIdentity;
  readonly shim: ProcessIdentity;
  readonly #named = new Map<string, ProcessIdentity>();

  private constructor(session: Session, record: SessionRecord, child: ProcessIdentity, shim: ProcessIdentity) {
    this.session = session;
    this.id = session.id;
    this.record = record;
    this.child = child;
    this.shim = shim;
  }

  /**
   * Runs `script` in bash and resolves when it has named all of `names` with `say NAME PID`. `$HERE` is a prefix of
   * file names of its own.
   */
  static async start(
    runtime: TestRuntime,
    script: string,
    names: readonly string[] = [],
    spec: Partial<SessionSpec> = {},
  ): Promise<SessionTree> {
    const here = join(runtime.home, `tree-${Math.random().toString(36).slice(2)}`);
    const prelude = `HERE=${here}; say() { echo "$1 $2" >> $HERE.names; }; say child $$; `;
    const session = await runtime.run(['bash', '-c', prelude + script], spec);
    const record = await session.record();
    const tree = new SessionTree(session, record, started(record.pid), started(record.shim_pid));
    await until(() => tree.#learn(`${here}.names`, ['child', ...names]), `the processes ${names.join()} of ${script}`);
    tree.here = here;
    return tree;
  }

  /** Prefix of the files the script calls `$HERE…`. */
  here = '';

  named(name: string): ProcessIdentity {
    const identity = this.#named.get(name);
    if (identity === undefined) throw new Error(`the script named no ${name}`);
    return identity;
  }

  /** Which processes of the session are still there, by pid and start time, with its group, session, mark and shim. */
  left(): string[] {
    const named = [...this.#named].filter(([, identity]) => isAlive(identity)).map(([name]) => name);
    const found = systemTable
      .list()
      .filter((row) => !row.gone && row.pid !== this.shim.pid)
      .filter(
        (row) =>
          row.session === this.child.pid ||
          row.pgrp === this.child.pid ||
          systemTable.environment(row.pid).includes(`HOLDFAST_SESSION=${this.id}\0`),
      )
      .map((row) => `${row.pid} ${systemTable.command(row)}`);
    return [...named, ...found, ...(isAlive(this.shim) ? ['shim'] : [])];
  }

  #learn(file: string, names: readonly string[]): boolean {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch {
      return false; // Not yet.
    }
    for (const line of text.split('\n').slice(0, -1)) {
      const [name = '', pid] = line.split(' ');
      const identity = processIdentity(Number(pid));
      if (identity !== undefined && !this.#named.has(name)) this.#named.set(name, identity);
    }
    return names.every((name) => this.#named.has(name));
  }
}

/** It may have ended already, but nobody has waited for it. */
function started(pid: number | null): ProcessIdentity {
  const row = pid === null ? undefined : systemTable.read(pid);
  if (row === undefined) throw new Error(`there is no process ${pid}`);
  return { pid: row.pid, start_time: row.start_time };
}

/** The kernel's one-letter state of a process (proc(5)); undefined when it is gone. */
export function stateOf({ pid, start_time }: ProcessIdentity): string | undefined {
  const row = systemTable.read(pid);
  return row?.start_time === start_time ? row.state : undefined;
}
