/** How the nouns of the SDK send what changes something. */
import type { SuccessReply, WorkspacesCommand } from '../protocol/control/index.ts';
import type { ChangeOptions } from './control-calls.ts';

/** Sends a command with a key, until its one reply is here. */
export type Change = (command: WorkspacesCommand, options: ChangeOptions) => Promise<SuccessReply>;

/** A change that is committed, or that was none. */
export interface Changed {
  /** At which it holds: what `expectedVersion` wants, or a cursor. */
  version: number;
}

/** A free-form JSON object. */
export type Meta = Record<string, unknown>;

/** What becomes of the live sessions of blocks that go; without it such a deletion is a `conflict`. */
export type Parting = 'detach' | 'terminate';

export interface Deleted extends Changed {
  /** False: there was none. */
  deleted: boolean;
  /** Sessions that run on without a block. */
  detached: string[];
  /** Sessions that are ended. */
  terminated: string[];
}

/** Without the fields that are not given. */
export function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

export function changed({ version }: SuccessReply): Changed {
  return { version };
}

export function metaOf(reply: SuccessReply): Changed & { meta: Meta } {
  return { meta: reply['meta'] as Meta, version: reply.version };
}

export function deleted(reply: SuccessReply): Deleted {
  return {
    deleted: reply['deleted'] === true,
    detached: (reply['detached'] as string[] | undefined) ?? [],
    terminated: (reply['terminated'] as string[] | undefined) ?? [],
    version: reply.version,
  };
}
