/** Workspaces, tabs and windows, as nouns of the SDK. Ids are whole; a name is none. */
import type { CallOptions, ChangeOptions } from './control-calls.ts';
import {
  type Change,
  type Changed,
  changed,
  type Deleted,
  deleted,
  given,
  type Meta,
  metaOf,
  type Parting,
} from './change.ts';
import type { Outline, TabRecord, WindowRecord, WorkspaceRecord } from './outline.ts';

/** What the nouns need of a client. */
export interface NounContext {
  change: Change;
  outline: (options: CallOptions) => Promise<Outline>;
  /** For what the client names itself. */
  newId: () => string;
}

/** Every change resolves when it is durable, and happens once however often it is sent. */
export class Workspaces {
  readonly #context: NounContext;

  constructor(context: NounContext) {
    this.#context = context;
  }

  /** `name` "": "Workspace N". `id`: of the new one; else srv makes it. */
  async create(
    name = '',
    options: ChangeOptions & { id?: string | undefined } = {},
  ): Promise<Changed & { id: string; name: string }> {
    const { id, ...rest } = options;
    const reply = await this.#context.change({ cmd: 'create_workspace', name, ...given({ workspace_id: id }) }, rest);
    return { id: reply['workspace_id'] as string, name: reply['name'] as string, version: reply.version };
  }

  async rename(id: string, name: string, options: ChangeOptions = {}): Promise<Changed> {
    return changed(await this.#context.change({ cmd: 'rename_workspace', workspace_id: id, name }, options));
  }

  /** With its tabs, blocks and windows. `session`: what becomes of the sessions its blocks show. */
  async delete(id: string, options: ChangeOptions & { session?: Parting | undefined } = {}): Promise<Deleted> {
    const { session, ...rest } = options;
    return deleted(
      await this.#context.change({ cmd: 'delete_workspace', workspace_id: id, ...given({ session }) }, rest),
    );
  }

  /** Merges a JSON merge patch (RFC 7396) and returns the result; without a patch it only reads. */
  async meta(id: string, patch: Meta = {}, options: ChangeOptions = {}): Promise<Changed & { meta: Meta }> {
    return metaOf(
      await this.#context.change({ cmd: 'update_workspace_meta', workspace_id: id, meta_patch: patch }, options),
    );
  }

  async list(options: CallOptions = {}): Promise<WorkspaceRecord[]> {
    return (await this.#context.outline(options)).workspaces;
  }
}

export class Tabs {
  readonly #context: NounContext;

  constructor(context: NounContext) {
    this.#context = context;
  }

  /** At the end of a workspace; the first one becomes active. `name` "": "Tab N". */
  async create(
    workspace: string,
    name = '',
    options: ChangeOptions & { id?: string | undefined } = {},
  ): Promise<Changed & { id: string; name: string }> {
    const { id, ...rest } = options;
    const reply = await this.#context.change(
      { cmd: 'create_tab', workspace_id: workspace, name, ...given({ tab_id: id }) },
      rest,
    );
    return { id: reply['tab_id'] as string, name: reply['name'] as string, version: reply.version };
  }

  async rename(id: string, name: string, options: ChangeOptions = {}): Promise<Changed> {
    return changed(await this.#context.change({ cmd: 'rename_tab', tab_id: id, name }, options));
  }

  /** With its blocks. `force`: also a workspace's last tab. */
  async delete(
    workspace: string,
    id: string,
    options: ChangeOptions & { force?: boolean | undefined; session?: Parting | undefined } = {},
  ): Promise<Deleted> {
    const { force, session, ...rest } = options;
    return deleted(
      await this.#context.change(
        { cmd: 'delete_tab', workspace_id: workspace, tab_id: id, ...given({ force, session }) },
        rest,
      ),
    );
  }

  /** To another workspace, where it becomes active. `fallback`: what becomes of a source without a tab. */
  async move(
    id: string,
    to: {
      from: string;
      to: string;
      index?: number | undefined;
      fallback?: 'delete_workspace' | 'allow_empty' | undefined;
    },
    options: ChangeOptions = {},
  ): Promise<Changed & { index: number; workspaceDeleted: boolean }> {
    const reply = await this.#context.change(
      {
        cmd: 'move_tab',
        tab_id: id,
        src_workspace_id: to.from,
        dst_workspace_id: to.to,
        dst_index: to.index ?? LAST,
        ...given({ fallback: to.fallback }),
      },
      options,
    );
    const { version, dst_index, workspace_deleted } = reply;
    return { index: dst_index as number, workspaceDeleted: workspace_deleted === true, version };
  }

  /** Within its workspace; from 0, beyond the end means the end. */
  async reorder(
    workspace: string,
    id: string,
    index: number,
    options: ChangeOptions = {},
  ): Promise<Changed & { index: number }> {
    const reply = await this.#context.change(
      { cmd: 'reorder_tab', workspace_id: workspace, tab_id: id, new_index: index },
      options,
    );
    return { index: reply['new_index'] as number, version: reply.version };
  }

  /** `ids`: every tab of the workspace, once. */
  async reorderAll(workspace: string, ids: readonly string[], options: ChangeOptions = {}): Promise<Changed> {
    return changed(
      await this.#context.change({ cmd: 'reorder_tabs_bulk', workspace_id: workspace, tab_ids: [...ids] }, options),
    );
  }

  /** Makes it the active one of its workspace. */
  async use(workspace: string, id: string, options: ChangeOptions = {}): Promise<Changed> {
    return changed(await this.#context.change({ cmd: 'set_active_tab', workspace_id: workspace, tab_id: id }, options));
  }

  /** Merges a JSON merge patch (RFC 7396) and returns the result; without a patch it only reads. */
  async meta(id: string, patch: Meta = {}, options: ChangeOptions = {}): Promise<Changed & { meta: Meta }> {
    return metaOf(await this.#context.change({ cmd: 'update_tab_meta', tab_id: id, meta_patch: patch }, options));
  }

  async list(filter: { workspace?: string | undefined } = {}, options: CallOptions = {}): Promise<TabRecord[]> {
    const { tabs } = await this.#context.outline(options);
    return tabs.filter(({ workspace_id }) => filter.workspace === undefined || workspace_id === filter.workspace);
  }
}

/** An index beyond any end. */
export const LAST = 0xffff_ffff;

/** Which workspace a user's window shows. */
export class Windows {
  readonly #context: NounContext;

  constructor(context: NounContext) {
    this.#context = context;
  }

  /** An id of a window that is open points that one at the workspace. */
  async open(
    workspace: string,
    options: ChangeOptions & { id?: string | undefined } = {},
  ): Promise<Changed & { id: string }> {
    const { id = this.#context.newId(), ...rest } = options;
    const { version } = await this.#context.change(
      { cmd: 'create_window', window_id: id, workspace_id: workspace },
      rest,
    );
    return { id, version };
  }

  /** `closed` false: there was none. */
  async close(id: string, options: ChangeOptions = {}): Promise<Changed & { closed: boolean }> {
    const reply = await this.#context.change({ cmd: 'close_window_internal', window_id: id }, options);
    return { closed: reply['closed'] === true, version: reply.version };
  }

  async switch(id: string, workspace: string, options: ChangeOptions = {}): Promise<Changed> {
    return changed(
      await this.#context.change({ cmd: 'switch_workspace', window_id: id, workspace_id: workspace }, options),
    );
  }

  /** Merges a JSON merge patch (RFC 7396) and returns the result; without a patch it only reads. */
  async meta(id: string, patch: Meta = {}, options: ChangeOptions = {}): Promise<Changed & { meta: Meta }> {
    return metaOf(await this.#context.change({ cmd: 'update_window_meta', window_id: id, meta_patch: patch }, options));
  }

  async list(options: CallOptions = {}): Promise<WindowRecord[]> {
    return (await this.#context.outline(options)).windows;
  }
}
