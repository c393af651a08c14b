/** The workspaces domain: workspaces, their tabs and windows, blocks, and the layout of each tab. Pure. */
import type { WorkspacesCommand } from '../../protocol/control/index.ts';
import { changedAt } from './changed.ts';
import { decide, isWorkspacesCommand } from './decide.ts';
import type { WorkspacesContext, WorkspacesDecision } from './decision.ts';
import { evolve, isWorkspacesEvent, type WorkspacesFact } from './evolve.ts';
import { restore, serialise } from './serialise.ts';
import { initialState, type WorkspacesState } from './state.ts';

export type { SessionsView, WorkspacesContext, WorkspacesDecision } from './decision.ts';
export type { WorkspacesFact } from './evolve.ts';
export type { Meta, WorkspacesState } from './state.ts';

/** A decider of nearly the kernel's `Domain` form: its context also tells of sessions, its decision of their end. */
export interface WorkspacesDomain {
  readonly name: string;
  initial(): WorkspacesState;
  decides(command: { cmd: string }): command is WorkspacesCommand;
  decide(state: WorkspacesState, command: WorkspacesCommand, context: WorkspacesContext): WorkspacesDecision;
  /** Whether `evolve` makes something of the event: its own ones and `session_removed`. */
  concerns(event: { event: string }): event is WorkspacesFact;
  evolve(state: WorkspacesState, event: WorkspacesFact, version: number): WorkspacesState;
  serialise(state: WorkspacesState): unknown;
  restore(json: unknown): WorkspacesState;
  /** Version of the last event about what the command is about; undefined when that does not exist. */
  changedAt(state: WorkspacesState, command: WorkspacesCommand): number | undefined;
}

export function createWorkspacesDomain(): WorkspacesDomain {
  return {
    name: 'workspaces',
    initial: initialState,
    decides: isWorkspacesCommand,
    decide,
    concerns: isWorkspacesEvent,
    evolve,
    serialise,
    restore,
    changedAt,
  };
}
