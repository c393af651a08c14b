import type { BlockRecord, LayoutNode, TabRecord } from '../../client/index.ts';
import { HoldfastError, invalid } from '../../protocol/index.ts';
import { createIds, systemClock } from '../../runtime/index.ts';
import { flag, integer, text, wholeNumber } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { plainSize, resizeOps, sideOf, splitSizeOf } from '../placing.ts';
import { done, each, jsonValue, selecting, type Selected } from '../selected.ts';
import type { Selectors } from '../selectors.ts';

const LAST = 0xffff_ffff;

/** The tab that `--tab` names; undefined: any. */
function within({ options }: CommandContext, select: Selectors): TabRecord | undefined {
  const word = text(options, 'tab');
  return word === undefined ? undefined : select.tab(word);
}

/** A new leaf for a block that has none. */
function leafOf({ options }: CommandContext, block: BlockRecord, size?: number): LayoutNode {
  if (block.node_id !== null) {
    throw new HoldfastError(
      'conflict',
      `block "${block.id}" has its place: use layout move or swap with "${block.node_id}"`,
      {
        field: 'BLOCK',
      },
    );
  }
  const id = text(options, 'id') ?? createIds(systemClock).ulid();
  return { id, flexDirection: 'row', ...(size === undefined ? {} : { size }), data: { blockId: block.id } };
}

export async function split(context: CommandContext): Promise<number> {
  const { options, positionals } = context;
  const side = sideOf(options);
  if (side === undefined) throw invalid('--right', 'split needs a side: --right, --left, --below or --above');
  const { holdfast, select } = await selecting(context);
  const block = select.block(positionals[1]!);
  const { tab, node: target } = select.node(positionals[0]!, within(context, select));
  const node = leafOf(context, block);
  const { version } = await holdfast.layout.split(
    tab.id,
    node,
    { beside: target.id, ...side, size: splitSizeOf(options, target) },
    { focusAfter: !flag(options, 'no-focus') },
  );
  return done(context, { tab_id: tab.id, node_id: node.id, version });
}

export async function insert(context: CommandContext): Promise<number> {
  const { options, positionals } = context;
  const index = integer(options, 'index', 0, LAST);
  const [into, path] = [text(options, 'into'), text(options, 'path')];
  if (into === undefined && index !== undefined) throw invalid('--index', '--index goes with --into');
  if (into !== undefined && path !== undefined) throw invalid('--path', '--into and --path exclude each other');
  const levels = path?.split(',').map((word) => wholeNumber('--path', word, 0, LAST));
  const size = plainSize(options);
  const { holdfast, select } = await selecting(context);
  const block = select.block(positionals[0]!);
  const tab_id = block.tab_id;
  const node = leafOf(context, block, size);
  const after = { focusAfter: !flag(options, 'no-focus'), magnifyAfter: flag(options, 'magnify') };
  const tab = select.outline.tabs.find(({ id }) => id === tab_id)!;
  const parent = into === undefined ? undefined : select.node(into, tab).node.id;
  const { version } =
    levels === undefined
      ? await holdfast.layout.insert(tab_id, node, { parent, index }, after)
      : await holdfast.layout.insertAt(tab_id, node, levels, after);
  return done(context, { tab_id, node_id: node.id, version });
}

export async function move(context: CommandContext): Promise<number> {
  const { options, positionals } = context;
  const index = integer(options, 'index', 0, LAST) ?? LAST;
  const { holdfast, select } = await selecting(context);
  const { tab, node, other } = twoNodes(context, select, positionals);
  const { version } = await holdfast.layout.move(tab.id, node.id, { parent: other.id, index });
  return done(context, { tab_id: tab.id, node_id: node.id, parent_id: other.id, version });
}

export async function swap(context: CommandContext): Promise<number> {
  const { holdfast, select } = await selecting(context);
  const { tab, node, other } = twoNodes(context, select, context.positionals);
  const { version } = await holdfast.layout.swap(tab.id, node.id, other.id);
  return done(context, { tab_id: tab.id, node_ids: [node.id, other.id], version });
}

/** Both of one tab: whichever is named unmistakably says which. */
function twoNodes(
  context: CommandContext,
  select: Selectors,
  [first, second]: string[],
): { tab: TabRecord; node: LayoutNode; other: LayoutNode } {
  const { tab, node } = select.node(first!, within(context, select));
  return { tab, node, other: select.node(second!, tab).node };
}

export async function resize(context: CommandContext): Promise<number> {
  const { holdfast, select } = await selecting(context);
  const { tab, ops } = resizeOps(context.positionals, select, within(context, select));
  const { version } = await holdfast.layout.resize(tab.id, ops);
  return done(context, { tab_id: tab.id, ops, version });
}

export async function replace(context: CommandContext): Promise<number> {
  const { options, positionals } = context;
  const { holdfast, select } = await selecting(context);
  const block = select.block(positionals[1]!);
  const { tab, node: target } = select.node(positionals[0]!, within(context, select));
  const node = leafOf(context, block);
  const { version } = await holdfast.layout.replace(tab.id, target.id, node, {
    focusAfter: !flag(options, 'no-focus'),
  });
  return done(context, { tab_id: tab.id, node_id: node.id, version });
}

export async function rm(context: CommandContext): Promise<number> {
  const { json, out } = context;
  const { holdfast, select } = await selecting(context);
  return each(context, context.positionals, async (word) => {
    const { tab, node } = select.node(word, within(context, select));
    const { version } = await holdfast.layout.delete(tab.id, node.id);
    if (json) out.json({ tab_id: tab.id, node_id: node.id, version });
    else out.line(node.id);
  });
}

export async function clear(context: CommandContext): Promise<number> {
  const { holdfast, select } = await selecting(context);
  const { id: tab_id } = select.tab(context.positionals[0]!);
  const { version } = await holdfast.layout.clear(tab_id);
  return done(context, { tab_id, version });
}

export async function set(context: CommandContext): Promise<number> {
  const [word, json] = context.positionals;
  const tree = await jsonValue('TREE', json!);
  if (typeof tree !== 'object' || Array.isArray(tree)) throw invalid('TREE', 'TREE must be a JSON object, or null');
  const { holdfast, select } = await selecting(context);
  const { id: tab_id } = select.tab(word!);
  const { version } = await holdfast.layout.set(tab_id, tree as LayoutNode | null);
  return done(context, { tab_id, version });
}

export async function focus(context: CommandContext): Promise<number> {
  const { holdfast, tab, node } = await chosen(context);
  const { version } = await holdfast.layout.focus(tab.id, node);
  return done(context, { tab_id: tab.id, focused: node, version });
}

export async function magnify(context: CommandContext): Promise<number> {
  const { holdfast, tab, node } = await chosen(context);
  const { version } = await holdfast.layout.magnify(tab.id, node);
  return done(context, { tab_id: tab.id, magnified: node, version });
}

/** A node, or with `--none` none of a tab. */
async function chosen(context: CommandContext): Promise<Selected & { tab: TabRecord; node: string | null }> {
  const { options, positionals } = context;
  const [word] = positionals;
  if ((word === undefined) !== flag(options, 'none')) throw invalid('NODE', 'name a NODE, or say --none');
  const selected = await selecting(context);
  const { select } = selected;
  if (word === undefined) return { ...selected, tab: select.tabOrActive(text(options, 'tab'), '--tab'), node: null };
  const { tab, node } = select.node(word, within(context, select));
  return { ...selected, tab, node: node.id };
}
