import { describe, expect, it } from 'vitest';
import { parseTree } from '../../test/support/layout.ts';
import { outline } from './fixtures/outline.ts';
import { Selectors, shortIds } from './selectors.ts';

const select = new Selectors(
  outline(
    {
      WA1: {
        name: 'work',
        tabs: [
          { id: 'TA1', name: 'Tab 1', layout: parseTree('row:g[BA1 10, BA2 10]'), blocks: ['BA1', 'BA2', 'BB1'] },
          { id: 'TA2', name: 'logs' },
        ],
      },
      WA2: { name: 'play', tabs: [{ id: 'TB1', name: 'Tab 1', layout: parseTree('BC1 10'), blocks: ['BC1'] }] },
      WB: { name: 'WA1', tabs: [] },
    },
    { BA1: 'vim', BC1: 'make' },
  ),
);

describe('[X6] what people type', () => {
  it.each([
    ['an id, though another one is called so', 'WA1', 'WA1'],
    ['a name', 'play', 'WA2'],
    ['a unique prefix', 'WB', 'WB'],
    ['a prefix in lower case, as ids are written in haste', 'wb', 'WB'],
  ])('names a workspace by %s', (_, word, id) => {
    expect(select.workspace(word).id).toBe(id);
  });

  it.each([
    ['its name', 'logs', 'TA2'],
    ['its workspace and name, where the name is not enough', 'play/Tab 1', 'TB1'],
    ['its workspace’s id and its name', 'WA1/Tab 1', 'TA1'],
  ])('names a tab by %s', (_, word, id) => {
    expect(select.tab(word).id).toBe(id);
  });

  it.each([
    ['its session’s name', 'vim', 'BA1'],
    ['its session’s id', 'S-make', 'BC1'],
    ['its own id', 'BB1', 'BB1'],
  ])('names a block by %s', (_, word, id) => {
    expect(select.block(word).id).toBe(id);
  });

  it('names a leaf by its session, a group by its id, of any tab', () => {
    expect(select.node('make')).toMatchObject({ tab: { id: 'TB1' }, node: { id: 'BC1' } });
    expect(select.node('g')).toMatchObject({ tab: { id: 'TA1' }, node: { id: 'g' } });
  });

  it.each([
    [() => select.tab('Tab 1'), '"Tab 1" names 2 tabs: TA1 (work/Tab 1), TB1 (play/Tab 1); say more of the id'],
    [
      () => select.tab('T'),
      '"T" names 3 tabs: TA1 (work/Tab 1), TA2 (work/logs), TB1 (play/Tab 1); say more of the id',
    ],
    [() => select.node('B'), 'or which tab with --tab'],
    [() => select.block('BA'), '"BA" names 2 blocks: BA1 (vim in work/Tab 1), BA2 (in work/Tab 1)'],
    [
      () => select.workspaceOrOnly(undefined, '--workspace'),
      'there are 3 workspaces, say which with --workspace: WA1 (work)',
    ],
    [() => select.tabOrActive(undefined, '--tab'), 'say which tab with --tab: TA1 (work/Tab 1), TB1 (play/Tab 1)'],
  ])('is refused with the candidates where it means several (%#)', (choose, message) => {
    expect(choose).toThrow(
      expect.objectContaining({ code: 'ambiguous', message: expect.stringContaining(message) as string }),
    );
  });

  it.each([
    [() => select.tab('nope'), 'there is no tab "nope"; see: holdfast tab ls'],
    [() => select.workspace(''), 'there is no workspace ""'],
    [() => select.node('nope'), 'see: holdfast layout show --tree'],
    [() => select.session('x\u001b[2J'), 'there is no session "x\\x1b[2J"; see: holdfast ls'],
    [() => select.node('make', select.tab('TA1')), 'there is no node "make"'],
  ])('is refused where it means nothing (%#)', (choose, message) => {
    expect(choose).toThrow(
      expect.objectContaining({ code: 'not_found', message: expect.stringContaining(message) as string }),
    );
  });

  it('needs no word where there is only one', () => {
    const one = new Selectors(outline({ W: { name: 'w', tabs: [{ id: 'T', name: 't' }] } }));
    expect([one.workspaceOrOnly(undefined, '-').id, one.tabOrActive(undefined, '-').id]).toEqual(['W', 'T']);
    const none = new Selectors(outline({}));
    expect(() => none.workspaceOrOnly(undefined, '-')).toThrow(/holdfast workspace create/);
    expect(() => none.tabOrActive(undefined, '-')).toThrow(/holdfast tab create/);
  });
});

it('shortens ids as far as they stay unique', () => {
  const ids = ['01ABCDEFGH1', '01ABCDEFGH2', '01ABCDEFX', '02', '01ABCDEFGH'];
  expect(Object.fromEntries(shortIds(ids))).toEqual({
    '01ABCDEFGH1': '01ABCDEFGH1',
    '01ABCDEFGH2': '01ABCDEFGH2',
    '01ABCDEFX': '01ABCDEFX',
    '02': '02',
    '01ABCDEFGH': '01ABCDEFGH',
  });
  expect([...shortIds(['01ABCDEFGHJK', '01ABCDXXXXXX']).values()]).toEqual(['01ABCDEF', '01ABCDXX']);
});
