import type { BlockPlace } from '../protocol/control/index.ts';
import { type Changed, changed, type Deleted, deleted, given, type Meta, metaOf, type Parting } from './change.ts';
import type { CallOptions, ChangeOptions } from './control-calls.ts';
import type { BlockRecord } from './outline.ts';
import { LAST, type NounContext } from './places.ts';

export interface BlockSpec {
  /** Of the new block; else srv makes it. */
  id?: string | undefined;
  meta?: Meta | undefined;
  /** A session it shows from the start. */
  session?: string | undefined;
  /** Creates its leaf in the same commit; without it the block is parked. */
  place?: BlockPlace | undefined;
}

/** What tabs show. A block may be bound to a session; a session to one block at most. */
export class Blocks {
  readonly #context: NounContext;

  constructor(context: NounContext) {
    this.#context = context;
  }

  /** At the end of a tab. `node`: its leaf, when it has a place. */
  async create(
    tab: string,
    spec: BlockSpec = {},
    options: ChangeOptions = {},
  ): Promise<Changed & { id: string; node: string | null }> {
    const { id, meta, session, place } = spec;
    const reply = await this.#context.change(
      { cmd: 'create_block', tab_id: tab, ...given({ block_id: id, meta, session_id: session, place }) },
      options,
    );
    return {
      id: reply['block_id'] as string,
      node: (reply['node_id'] as string | undefined) ?? null,
      version: reply.version,
    };
  }

  /** Its leaf goes in the same commit. `session`: what becomes of the session it shows. */
  async delete(
    tab: string,
    id: string,
    options: ChangeOptions & { session?: Parting | undefined } = {},
  ): Promise<Deleted> {
    const { session, ...rest } = options;
    return deleted(
      await this.#context.change({ cmd: 'delete_block', tab_id: tab, block_id: id, ...given({ session }) }, rest),
    );
  }

  /** To another tab, where it is parked, or to another place in the order of its own. */
  async move(
    id: string,
    to: { from: string; to: string; index?: number | undefined },
    options: ChangeOptions = {},
  ): Promise<Changed & { index: number }> {
    const reply = await this.#context.change(
      { cmd: 'move_block', block_id: id, src_tab_id: to.from, dst_tab_id: to.to, dst_index: to.index ?? LAST },
      options,
    );
    return { index: reply['dst_index'] as number, version: reply.version };
  }

  async bind(id: string, session: string, options: ChangeOptions = {}): Promise<Changed> {
    return changed(await this.#context.change({ cmd: 'bind_block', block_id: id, session_id: session }, options));
  }

  async unbind(id: string, options: ChangeOptions = {}): Promise<Changed> {
    return changed(await this.#context.change({ cmd: 'bind_block', block_id: id, session_id: null }, options));
  }

  /** Merges a JSON merge patch (RFC 7396) and returns the result; without a patch it only reads. */
  async meta(id: string, patch: Meta = {}, options: ChangeOptions = {}): Promise<Changed & { meta: Meta }> {
    return metaOf(await this.#context.change({ cmd: 'update_block_meta', block_id: id, meta_patch: patch }, options));
  }

  async list(filter: { tab?: string | undefined } = {}, options: CallOptions = {}): Promise<BlockRecord[]> {
    const { blocks } = await this.#context.outline(options);
    return blocks.filter(({ tab_id }) => filter.tab === undefined || tab_id === filter.tab);
  }
}
