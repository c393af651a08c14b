/** A layout as a person sees it: as panes in their places, or as an indented tree. */
import type { LayoutNode } from '../../protocol/control/index.ts';
import { Canvas } from './canvas.ts';
import { leastExtent, type Pane, panesOf } from './rectangles.ts';

export interface PictureSize {
  width: number;
  height: number;
}

/** What is said of a leaf, the most important first. */
export type Label = (leaf: LayoutNode) => readonly string[];

/** Undefined when the panes do not fit into the width. Where the height is not enough there are more rows. */
export function drawPanes(tree: LayoutNode | null, label: Label, { width, height }: PictureSize): string[] | undefined {
  if (tree === null) return drawNothing(width, EMPTY_ROWS);
  if (leastExtent(tree, 'row') > width) return undefined;
  const rows = Math.max(height, leastExtent(tree, 'column'));
  const canvas = new Canvas(width, rows);
  for (const pane of panesOf(tree, width, rows)) {
    canvas.frame(pane.area);
    writeLabel(canvas, pane, label(pane.leaf));
  }
  return canvas.rows();
}

const EMPTY_ROWS = 3;

function drawNothing(width: number, height: number): string[] {
  const canvas = new Canvas(width, height);
  canvas.frame({ left: 0, top: 0, right: width - 1, bottom: height - 1 });
  canvas.write(2, 1, 'nothing is placed here', width - 4);
  return canvas.rows();
}

/** Without enough rows the last one holds all that is left. */
function writeLabel(canvas: Canvas, { area }: Pane, label: readonly string[]): void {
  const rows = area.bottom - area.top - 1;
  const lines = label.length <= rows ? label : [...label.slice(0, rows - 1), label.slice(rows - 1).join(' ')];
  for (const [at, line] of lines.entries()) {
    canvas.write(area.left + 2, area.top + 1 + at, line, area.right - area.left - 3);
  }
}

/** One line per node: its share of its parent, its id, and what is said of it. */
export function drawTree(tree: LayoutNode, label: (node: LayoutNode) => string): string[] {
  const lines: string[] = [];
  const walk = (node: LayoutNode, share: string, first: string, rest: string): void => {
    const kind = node.children === undefined ? 'pane' : node.flexDirection;
    lines.push([`${first}${kind}`, share, node.id, label(node)].filter((word) => word !== '').join(' '));
    const children = node.children ?? [];
    const total = children.reduce((sum, { size = 0 }) => sum + size, 0);
    for (const [at, child] of children.entries()) {
      const last = at === children.length - 1;
      walk(
        child,
        percent((child.size ?? 0) / total),
        `${rest}${last ? '└─ ' : '├─ '}`,
        `${rest}${last ? '   ' : '│  '}`,
      );
    }
  };
  walk(tree, '', '', '');
  return lines;
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))}%`;
}
