import type { LayoutNode, TabRecord } from '../../client/index.ts';
import { flag } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { drawPanes, drawTree, type PictureSize } from '../drawing/picture.ts';
import { printable, stateOf } from '../format.ts';
import type { Output } from '../output.ts';
import { selecting } from '../selected.ts';
import { type Selectors, shortIds } from '../selectors.ts';

/** Where there is no terminal to say. */
const COLUMNS = 100;
const ROWS = 20;
/** Of a terminal, for the lines around the picture and the next prompt. */
const ROWS_AROUND = 4;
/** A cell is about twice as high as wide; a picture need not be higher than half its width. */
const COLUMNS_PER_ROW = 4;

export async function run(context: CommandContext): Promise<number> {
  const { positionals, options, json, out } = context;
  const { select } = await selecting(context);
  const tab = select.tabOrActive(positionals[0], 'TAB');
  if (json) {
    out.json(tab.layout);
    return 0;
  }
  const short = shortIds(select.outline.blocks.map(({ id }) => id));
  const labels = (leaf: LayoutNode): string[] => paneLabel(leaf, tab, select, short);
  out.line(out.paint('bold', title(tab, select)));
  const picture = flag(options, 'tree') ? undefined : drawPanes(tab.layout, labels, pictureSize(out));
  if (picture !== undefined) out.line(picture.join('\n'));
  else if (tab.layout !== null) {
    if (!flag(options, 'tree')) out.note('the panes are too many for this width; here is the tree');
    out.line(drawTree(tab.layout, (node) => (node.data === undefined ? '' : labels(node).join(' '))).join('\n'));
  }
  for (const block of select.outline.blocks) {
    if (block.tab_id !== tab.id || block.node_id !== null) continue;
    out.line(['parked', short.get(block.id) ?? block.id, ...shown(block.id, select)].join(' '));
  }
  return 0;
}

function title(tab: TabRecord, select: Selectors): string {
  const panes = select.outline.blocks.filter(({ tab_id, node_id }) => tab_id === tab.id && node_id !== null).length;
  return `${printable(select.tabName(tab))}: ${panes} ${panes === 1 ? 'pane' : 'panes'}`;
}

/** Marks and block, what it shows, and how that is. */
function paneLabel(leaf: LayoutNode, tab: TabRecord, select: Selectors, short: ReadonlyMap<string, string>): string[] {
  const block = leaf.data?.blockId ?? '';
  const marks = `${tab.focused === leaf.id ? '*' : ''}${tab.magnified === leaf.id ? 'Z' : ''}`;
  const name = printable(short.get(block) ?? block);
  return [marks === '' ? name : `${marks} ${name}`, ...shown(block, select)];
}

function shown(blockId: string, select: Selectors): string[] {
  const session = select.sessionOf(select.blockById(blockId));
  return session === undefined ? ['no session'] : [printable(session.name ?? session.command), stateOf(session)];
}

function pictureSize({ columns, rows }: Output): PictureSize {
  if (columns === undefined) return { width: COLUMNS, height: ROWS };
  const room = rows === undefined ? ROWS : rows - ROWS_AROUND;
  return { width: columns, height: Math.max(3, Math.min(room, Math.ceil(columns / COLUMNS_PER_ROW))) };
}
