/** A layout tree as rectangles of terminal cells. */
import type { LayoutNode } from '../../protocol/control/index.ts';

/** The cells of its border, all four inclusive; neighbours share theirs. */
export interface Rectangle {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export interface Pane {
  leaf: LayoutNode;
  area: Rectangle;
}

type Axis = LayoutNode['flexDirection'];

/** From border to border, so that something can be read: five columns, one row. */
const LEAST: Readonly<Record<Axis, number>> = { row: 6, column: 2 };

/** The columns (`row`) or rows (`column`) below which a tree cannot be drawn, its borders included. */
export function leastExtent(tree: LayoutNode, axis: Axis): number {
  return leastSpan(tree, axis) + 1;
}

/** Every leaf with its share of the area, in reading order. Both extents are at least `leastExtent`. */
export function panesOf(tree: LayoutNode, width: number, height: number): Pane[] {
  const panes: Pane[] = [];
  place(tree, { left: 0, top: 0, right: width - 1, bottom: height - 1 }, panes);
  return panes;
}

function place(node: LayoutNode, area: Rectangle, panes: Pane[]): void {
  if (node.children === undefined) {
    panes.push({ leaf: node, area });
    return;
  }
  const along = node.flexDirection;
  const [from, to] = along === 'row' ? [area.left, area.right] : [area.top, area.bottom];
  const spans = shares(node.children, along, to - from);
  let at = 0;
  for (const [index, child] of node.children.entries()) {
    const start = from + Math.round(at);
    at += spans[index]!;
    const end = from + Math.round(at);
    place(child, along === 'row' ? { ...area, left: start, right: end } : { ...area, top: start, bottom: end }, panes);
  }
}

function leastSpan(node: LayoutNode, axis: Axis): number {
  if (node.children === undefined) return LEAST[axis];
  const spans = node.children.map((child) => leastSpan(child, axis));
  return node.flexDirection === axis ? spans.reduce((sum, span) => sum + span, 0) : Math.max(...spans);
}

/** In relation of their sizes, but none below what it needs. */
function shares(children: readonly LayoutNode[], axis: Axis, total: number): number[] {
  const least = children.map((child) => leastSpan(child, axis));
  const small = new Set<number>();
  for (;;) {
    const { room, weight } = children.reduce(
      (left, child, index) =>
        small.has(index)
          ? { ...left, room: left.room - least[index]! }
          : { ...left, weight: left.weight + (child.size ?? 0) },
      { room: total, weight: 0 },
    );
    const spans = children.map((child, index) =>
      small.has(index) ? least[index]! : (room * (child.size ?? 0)) / weight,
    );
    const short = spans.findIndex((span, index) => !small.has(index) && span < least[index]!);
    if (short < 0) return spans;
    small.add(short);
  }
}
