/** A command before it is sent, and what it will be known by in the log. */

/** Where a command's one event is known by: `value` at `field` (`meta_patch.mark`: in it) of an `event`. */
export interface Proof {
  event: string;
  field: string;
  value: string;
}

export interface Draft {
  command: { cmd: string } & Record<string, unknown>;
  /** Null: it may change nothing, or its event has no room for a mark. */
  proof: Proof | null;
  /** Codes it may be refused with because of what others did. */
  mayBeRefused: readonly string[];
  /** It is acknowledged: the desk goes on from there. */
  done(): void;
}

/** `where`: `event.field`; null: no proof. */
export function draft(
  cmd: string,
  fields: Record<string, unknown>,
  where: string | null = null,
  {
    value = '',
    done = () => undefined,
    mayBeRefused = [] as readonly string[],
  }: { value?: string; done?: () => unknown; mayBeRefused?: readonly string[] } = {},
): Draft {
  const dot = where?.indexOf('.') ?? -1;
  return {
    command: { cmd, ...fields },
    proof: where === null ? null : { event: where.slice(0, dot), field: where.slice(dot + 1), value },
    mayBeRefused,
    done: () => void done(),
  };
}
