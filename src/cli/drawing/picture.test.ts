import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { areasOf, parseTree } from '../../../test/support/layout.ts';
import type { LayoutNode } from '../../protocol/control/index.ts';
import { columnsOf } from '../columns.ts';
import { drawPanes, drawTree } from './picture.ts';
import { leastExtent, panesOf } from './rectangles.ts';

const ids = ({ id }: LayoutNode): string[] => [id];
const size = { width: 31, height: 9 };

function picture(text: string, label = ids, { width, height } = size): string {
  return `\n${drawPanes(parseTree(text), label, { width, height })!.join('\n')}\n`;
}

describe('[X7] a layout as a picture', () => {
  it('joins the frames of neighbours', () => {
    expect(picture('row[a 10, col[b 10, row[c 10, d 10] 10] 10]')).toBe(`
┌──────────────┬──────────────┐
│ a            │ b            │
│              │              │
│              │              │
│              ├───────┬──────┤
│              │ c     │ d    │
│              │       │      │
│              │       │      │
└──────────────┴───────┴──────┘
`);
  });

  it('makes a cross where four meet', () => {
    expect(picture('col[row[a 10, b 10] 10, row[c 10, d 10] 10]')).toBe(`
┌──────────────┬──────────────┐
│ a            │ b            │
│              │              │
│              │              │
├──────────────┼──────────────┤
│ c            │ d            │
│              │              │
│              │              │
└──────────────┴──────────────┘
`);
  });

  it('gives each its share, but never less than can be read', () => {
    expect(picture('row[a 97, b 1, c 2]', ids, { width: 31, height: 3 })).toBe(`
┌─────────────────┬─────┬─────┐
│ a               │ b   │ c   │
└─────────────────┴─────┴─────┘
`);
  });

  it('puts all that is said of a pane on the rows it has, and cuts what has no room', () => {
    const label = (): string[] => ['*Z 01ABCDEF', 'a long command line', 'running'];
    expect(picture('row[a 20, col[b 10, c 10] 10]', label, { width: 40, height: 5 })).toBe(`
┌─────────────────────────┬────────────┐
│ *Z 01ABCDEF             │ *Z 01ABCD… │
│ a long command line     ├────────────┤
│ running                 │ *Z 01ABCD… │
└─────────────────────────┴────────────┘
`);
  });

  it('keeps its lines straight beside wide, joined and combining characters', () => {
    const label = ({ id }: LayoutNode): string[] => [id === 'a' ? '日本語の端末エミュレータ' : 'e\u0301te\u0301 🚀'];
    expect(picture('row[a 10, b 10]', label, { width: 31, height: 3 })).toBe(`
┌──────────────┬──────────────┐
│ 日本語の端…  │ e\u0301te\u0301 🚀       │
└──────────────┴──────────────┘
`);
  });

  it('says so when nothing is placed', () => {
    expect(drawPanes(null, ids, { width: 30, height: 20 })).toEqual([
      '┌────────────────────────────┐',
      '│ nothing is placed here     │',
      '└────────────────────────────┘',
    ]);
  });

  it('grows downwards when there are too few rows, and gives up when there are too few columns', () => {
    const column = parseTree(`col[${Array.from({ length: 12 }, (_, at) => `n${at} 10`).join(', ')}]`);
    expect(drawPanes(column, ids, { width: 20, height: 5 })).toHaveLength(25);
    const row = parseTree(`row[${Array.from({ length: 12 }, (_, at) => `n${at} 10`).join(', ')}]`);
    expect(drawPanes(row, ids, { width: 60, height: 20 })).toBeUndefined();
    expect(drawPanes(row, ids, { width: leastExtent(row, 'row'), height: 20 })).toBeDefined();
  });
});

describe('[X7] a layout as a tree', () => {
  it('says kind, share and id of every node', () => {
    const tree = parseTree('row:r[a 20, col:c[b 5, d 10] 10]');
    expect(drawTree(tree, ({ data }) => (data === undefined ? '' : `<${data.blockId}>`))).toEqual([
      'row r',
      '├─ pane 66.7% a <a>',
      '└─ column 33.3% c',
      '   ├─ pane 33.3% b <b>',
      '   └─ pane 66.7% d <d>',
    ]);
  });
});

/** Alternating directions, as normal form has it. */
function trees(): fc.Arbitrary<LayoutNode> {
  const sizes = fc.double({ min: 0.01, max: 100, noNaN: true });
  const build = (depth: number, direction: 'row' | 'column'): fc.Arbitrary<LayoutNode> => {
    const leaf = sizes.map((own): LayoutNode => ({ id: '', flexDirection: 'row', size: own, data: { blockId: '' } }));
    if (depth === 0) return leaf;
    const child = build(depth - 1, direction === 'row' ? 'column' : 'row');
    const branch = fc
      .tuple(sizes, fc.array(child, { minLength: 2, maxLength: 4 }))
      .map(([own, children]): LayoutNode => ({ id: '', flexDirection: direction, size: own, children }));
    return fc.oneof(leaf, branch);
  };
  const named = (node: LayoutNode, path: string): LayoutNode => ({
    ...node,
    id: path,
    ...(node.data === undefined ? {} : { data: { blockId: path } }),
    ...(node.children === undefined
      ? {}
      : { children: node.children.map((child, at) => named(child, `${path}${at}`)) }),
  });
  return fc
    .constantFrom('row' as const, 'column' as const)
    .chain((direction) => build(4, direction))
    .map((tree) => named(tree, 'n'));
}

describe('[X7] any layout', () => {
  it('is drawn with every pane once, without overlap or hole, every row as wide as said', () => {
    fc.assert(
      fc.property(trees(), fc.integer({ min: 6, max: 120 }), fc.integer({ min: 3, max: 40 }), (tree, width, height) => {
        const least = leastExtent(tree, 'row');
        const drawn = drawPanes(tree, ids, { width, height });
        expect(drawn === undefined).toBe(least > width);
        if (drawn === undefined) return;
        expect(drawn.length).toBe(Math.max(height, leastExtent(tree, 'column')));
        expect(drawn.filter((row) => columnsOf(row) !== width)).toEqual([]);
        const cells = new Map<number, string>();
        for (const { leaf, area } of panesOf(tree, width, drawn.length)) {
          expect(Math.min(area.left, area.top)).toBeGreaterThanOrEqual(0);
          expect([area.right < width, area.bottom < drawn.length]).toEqual([true, true]);
          for (let x = area.left + 1; x < area.right; x++) {
            for (let y = area.top + 1; y < area.bottom; y++) {
              if (cells.has(y * width + x)) throw new Error(`${leaf.id} overlaps ${cells.get(y * width + x)}`);
              cells.set(y * width + x, leaf.id);
            }
          }
        }
        expect(new Set(cells.values()).size).toBe(areasOf(tree).size - branchesOf(tree));
      }),
      { numRuns: 150 },
    );
  });

  it('has every pane where its share of the area is, as far as cells allow', () => {
    let compared = 0;
    fc.assert(
      fc.property(trees(), (tree) => {
        const [width, height] = [4001, 4001];
        if (leastExtent(tree, 'row') > width || smallest(tree) < 0.02) return;
        const areas = areasOf(tree, { x: 0, y: 0, width: width - 1, height: height - 1 });
        for (const { leaf, area } of panesOf(tree, width, height)) {
          const exact = areas.get(leaf.id)!;
          const offset = Math.max(
            Math.abs(area.left - exact.x),
            Math.abs(area.top - exact.y),
            Math.abs(area.right - exact.x - exact.width),
            Math.abs(area.bottom - exact.y - exact.height),
          );
          expect(offset).toBeLessThanOrEqual(4);
        }
        compared++;
      }),
      { numRuns: 300 },
    );
    expect(compared).toBeGreaterThan(50);
  });
});

function branchesOf({ children }: LayoutNode): number {
  return children === undefined ? 0 : children.reduce((sum, child) => sum + branchesOf(child), 1);
}

/** The smallest share that a child has of its group. */
function smallest({ children = [] }: LayoutNode): number {
  const total = children.reduce((sum, { size: own = 0 }) => sum + own, 0);
  return Math.min(1, ...children.map((child) => Math.min((child.size ?? 0) / total, smallest(child))));
}
