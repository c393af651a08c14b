/** What the refusals of `refusals.ts` are about. */
import { type Message, ulid, type WireClient } from './client.ts';
import { leaf } from './suite.ts';

/**
 * Workspace `w` has the tabs `t` and `u`, workspace `o` the tab `ot`, and window `win` shows `w`. The layout of `t` is
 * a row `r` of the leaves `a` (10) and `b` (20) and the column `g` of `c` and `d`; its block `spare` is parked. `u` has
 * the block `ub` and no layout, `ot` the block `ob`.
 */
export class Scene {
  /** Ids of workspaces, tabs, blocks and windows are everybody's: this one's own, by name. */
  readonly id: (name: string) => string;

  private constructor() {
    const prefix = ulid();
    this.id = (name) => `${prefix}-${name}`;
  }

  static async set(client: WireClient): Promise<Scene> {
    const scene = new Scene();
    const [w, t, u, o, ot] = ['w', 't', 'u', 'o', 'ot'].map((name) => scene.id(name));
    for (const workspace_id of [w, o]) await client.ok({ cmd: 'create_workspace', name: 'w', workspace_id });
    for (const [workspace_id, tab_id] of [
      [w, t],
      [w, u],
      [o, ot],
    ])
      await client.ok({ cmd: 'create_tab', workspace_id, name: 't', tab_id });
    for (const [tab_id, names] of Object.entries({ [t!]: ['a', 'b', 'c', 'd', 'spare'], [u!]: ['ub'], [ot!]: ['ob'] }))
      for (const name of names) await client.ok({ cmd: 'create_block', tab_id, block_id: scene.id(name) });
    await client.ok({ cmd: 'create_window', window_id: scene.id('win'), workspace_id: w });
    const column = { id: 'g', flexDirection: 'column', size: 30, children: [scene.leaf('c'), scene.leaf('d')] };
    const children = [scene.leaf('a', 10), scene.leaf('b', 20), column];
    const new_tree = { id: 'r', flexDirection: 'row', children };
    await client.ok({ cmd: 'layout_set_tree', tab_id: t, new_tree, correlation_id: '' });
    return scene;
  }

  leaf(name: string, size?: number): Message {
    return leaf(name, this.id(name), size);
  }
}
