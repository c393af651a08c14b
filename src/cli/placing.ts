/** From flags to where a new leaf goes, and to sizes. */
import type { BlockPlace, ResizeOp, TabRecord } from '../client/index.ts';
import type { LayoutNode } from '../protocol/control/index.ts';
import { HoldfastError, invalid, limits } from '../protocol/index.ts';
import { flag, integer, text } from './arguments.ts';
import type { OptionValues } from './command.ts';
import { type NodeChoice, parentOf, type Selectors } from './selectors.ts';
import { SIDES } from './sides.ts';

type Side = (typeof SIDES)[number]['name'];
type SplitWhere = Pick<Extract<BlockPlace, { target_id: string }>, 'direction' | 'position'>;

const WHERE: Readonly<Record<Side, SplitWhere>> = {
  right: { direction: 'row', position: 'after' },
  left: { direction: 'row', position: 'before' },
  below: { direction: 'column', position: 'after' },
  above: { direction: 'column', position: 'before' },
};
const INDEX_MAX = 0xffff_ffff;

/** Which side is said; undefined: none. */
export function sideOf(options: OptionValues): SplitWhere | undefined {
  const said = SIDES.filter(({ name }) => flag(options, name)).map(({ name }) => name);
  if (said.length > 1) throw invalid(`--${said[1]!}`, `--${said[0]!} and --${said[1]!} exclude each other`);
  return said[0] === undefined ? undefined : WHERE[said[0]];
}

export interface BlockTarget {
  tab: TabRecord;
  /** Undefined: the block is parked. */
  place: BlockPlace | undefined;
}

/** Where `block create` puts its block. */
export function blockTarget(options: OptionValues, select: Selectors): BlockTarget {
  const side = sideOf(options);
  const [split, into] = [text(options, 'split'), text(options, 'into')];
  const index = integer(options, 'index', 0, INDEX_MAX);
  checkTogether(options, side !== undefined);
  const word = text(options, 'tab');
  const within = word === undefined ? undefined : select.tab(word);
  const after = { focus_after: !flag(options, 'no-focus'), magnify_after: flag(options, 'magnify') };
  if (into !== undefined) {
    const { tab, node } = select.node(into, within);
    const size = plainSize(options);
    return {
      tab,
      place: {
        parent_id: node.id,
        ...(index === undefined ? {} : { index }),
        ...(size === undefined ? {} : { size }),
        ...after,
      },
    };
  }
  if (split !== undefined || side !== undefined) {
    const { tab, node } = split === undefined ? focusedLeaf(within, select) : select.node(split, within);
    const size = splitSizeOf(options, node);
    const where = { target_id: node.id, ...(side ?? WHERE.right), ...(size === undefined ? {} : { size }) };
    return { tab, place: { ...where, ...after } };
  }
  const tab = within ?? select.tabOrActive(undefined, '--tab');
  if (flag(options, 'parked')) return { tab, place: undefined };
  const size = plainSize(options);
  return { tab, place: { ...(size === undefined ? {} : { size }), ...after } };
}

function checkTogether(options: OptionValues, sided: boolean): void {
  const splits = sided || text(options, 'split') !== undefined;
  const into = text(options, 'into') !== undefined;
  if (splits && into) throw invalid('--into', '--into and a split exclude each other: say one place');
  if (!into && text(options, 'index') !== undefined) throw invalid('--index', '--index goes with --into');
  if (!flag(options, 'parked')) return;
  const other = ['into', 'split', 'size', 'magnify', 'no-focus'].find((name) => options[name] !== undefined);
  if (other !== undefined || sided) {
    throw invalid('--parked', `--parked gives the block no place: leave out --${other ?? 'right and the like'}`);
  }
}

function focusedLeaf(within: TabRecord | undefined, select: Selectors): NodeChoice {
  const tab = within ?? select.tabOrActive(undefined, '--tab');
  if (tab.focused !== null) return select.node(tab.focused, tab);
  throw new HoldfastError(
    'invalid_argument',
    `no pane of ${select.tabName(tab)} is focused: say which one with --split`,
    {
      field: '--split',
    },
  );
}

/** What a split gives the new node, on the scale of the target's own size. */
export function splitSizeOf(options: OptionValues, target: LayoutNode): number | undefined {
  const word = text(options, 'size');
  if (word === undefined) return undefined;
  const size = readSize('--size', word);
  const whole = target.size ?? 0;
  const own = size.percent ? (whole * size.value) / 100 : size.value;
  if (own < whole) return own;
  throw invalid(
    '--size',
    `--size must leave the other pane something: below ${size.percent ? '100%' : `its size, ${whole}`}`,
  );
}

/** Where there is nothing to take a percentage of. */
export function plainSize(options: OptionValues): number | undefined {
  const word = text(options, 'size');
  if (word === undefined) return undefined;
  const { value, percent } = readSize('--size', word);
  if (percent) throw invalid('--size', '--size in percent needs a pane to split');
  return value;
}

function readSize(field: string, word: string): { value: number; percent: boolean } {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(word);
  const value = match === null ? Number.NaN : Number(match[1]);
  if (!(value > 0 && value <= limits.LAYOUT_SIZE_MAX)) {
    throw invalid(
      field,
      `${field} must be a size above 0 and at most ${limits.LAYOUT_SIZE_MAX}, or percent, not "${word}"`,
    );
  }
  return { value, percent: match![2] === '%' };
}

/** `NODE=SIZE` words as sizes that are relative to those of the siblings. All of one tab. */
export function resizeOps(
  words: readonly string[],
  select: Selectors,
  within: TabRecord | undefined,
): { tab: TabRecord; ops: ResizeOp[] } {
  const wanted = new Map<string, { value: number; percent: boolean }>();
  let tab = within;
  for (const word of words) {
    const at = word.lastIndexOf('=');
    if (at <= 0) throw invalid('NODE=SIZE', `"${word}" must be NODE=SIZE, as in: holdfast layout resize editor=60%`);
    const found = select.node(word.slice(0, at), tab);
    tab = found.tab;
    wanted.set(found.node.id, readSize(word, word.slice(at + 1)));
  }
  const { layout } = tab!;
  const ops = [...wanted].flatMap(([id, { value, percent }]) => (percent ? [] : [{ node_id: id, size: value }]));
  const parents = new Set([...wanted].flatMap(([id, { percent }]) => (percent ? (parentOf(layout, id) ?? []) : [])));
  for (const parent of parents) ops.push(...sharesOf(parent, wanted));
  const alone = [...wanted].find(([id, { percent }]) => percent && parentOf(layout, id) === undefined);
  if (alone !== undefined) throw invalid('NODE=SIZE', `"${alone[0]}" is the root: it has the whole tab`);
  return { tab: tab!, ops };
}

/** Percentages of a group: what they leave goes to the other children, in the relation they have. */
function sharesOf(
  { children = [] }: LayoutNode,
  wanted: ReadonlyMap<string, { value: number; percent: boolean }>,
): ResizeOp[] {
  const shared = (id: string): number => wanted.get(id)!.value;
  const said = children.filter(({ id }) => wanted.get(id)?.percent === true);
  const others = children.filter(({ id }) => wanted.get(id)?.percent !== true);
  const sizeOf = ({ id, size = 0 }: LayoutNode): number => wanted.get(id)?.value ?? size;
  const sum = said.reduce((total, { id }) => total + shared(id), 0);
  const rest = others.reduce((total, node) => total + sizeOf(node), 0);
  if (others.length > 0 && sum >= 100) {
    throw invalid('NODE=SIZE', `${sum}% leaves nothing for the other ${others.length} in that group`);
  }
  return [
    ...said.map(({ id }) => ({ node_id: id, size: shared(id) })),
    ...others.map((node) => ({ node_id: node.id, size: ((100 - sum) * sizeOf(node)) / rest })),
  ];
}
