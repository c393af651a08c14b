import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createStatusBoard } from './board.ts';
import { parseProgramReport } from './program-report.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const status = (...reports: string[]) => {
  const board = createStatusBoard();
  const problems = reports.map((report, at) => board.programStatus(report, at + 1));
  const { activity, attention } = board.status(100);
  return { activity, attention, problems, tasks: board.tasks(), board };
};

const VOID: [what: string, report: string][] = [
  ['no state', 'app=x'],
  ['an unknown state', 'state=paused'],
  ['an empty state', 'state='],
  ['an empty id', 'state=idle:id='],
  ['an empty segment', 'state=idle:id=a//b'],
  ['a slash at the end', 'state=idle:id=a/'],
  ['a blank in an id', 'state=blocked:id=sub task'],
  ['a letter beyond ASCII', 'state=idle:id=ünïcode'],
  ['nine segments', `state=idle:id=${Array(9).fill('a').join('/')}`],
  ['a segment of 33', `state=idle:id=${'s'.repeat(33)}`],
  ['an id of 135', `state=idle:id=${Array(8).fill('abcdefghijklmnop').join('/')}`],
  ['a key of 17', `state=idle:${'k'.repeat(17)}=1`],
  ['an app of 33', `state=idle:app=${'a'.repeat(33)}`],
  ['a title of 193', `state=idle:title=${base64('t'.repeat(193))}`],
  ['a message of 2049', `state=idle:msg=${base64('m'.repeat(2049))}`],
  ['no base64', 'state=idle:msg=not*base64'],
  ['padding inside', 'state=idle:msg=aG=k'],
  ['a lone base64 character', 'state=idle:msg=A'],
  ['two lines', `state=idle:msg=${base64('two\nlines')}`],
  ['an escape', `state=idle:msg=${base64('x\x1b[31m')}`],
  ['a C1 control', `state=idle:msg=${base64('c1\u009b31m')}`],
  ['a tab in a title', `state=idle:title=${base64('a\tb')}`],
  ['bytes that are no UTF-8', `state=idle:msg=${Buffer.from([0xff, 0xfe]).toString('base64')}`],
  ['a clear with a bad message', 'state=clear:msg=!!'],
];

describe('OSC 7501 reports', () => {
  it.each(VOID)('are void with %s', (_, report) => {
    const { activity, attention, problems } = status('state=working:app=base', report);
    expect(problems[1]).toEqual(expect.any(String));
    expect({ activity, attention }).toEqual({ activity: 'working', attention: 'none' });
  });

  it('are taken at every limit', () => {
    const least = [
      `state=idle:${'k'.repeat(16)}=1`,
      `state=idle:app=${'a'.repeat(32)}`,
      `state=idle:title=${base64('t'.repeat(192))}`,
      `state=idle:msg=${base64('m'.repeat(2048))}`,
      `state=idle:id=${Array(8).fill('a').join('/')}`,
      `state=idle:id=${Array(3).fill('s'.repeat(32)).join('/')}/${'s'.repeat(29)}`,
      `state=idle:id=task_1.a+b-c`,
    ];
    for (const report of least) expect(parseProgramReport(report), report).toMatchObject({ state: 'idle' });
  });

  it('are read leniently where that harms nobody', () => {
    expect(parseProgramReport(' state = idle : junk : =x : Bad=1 : odd=a;b : state=working : app=pi ')).toMatchObject({
      state: 'working',
      app: 'pi',
    });
    expect(parseProgramReport('state=idle:app=a b')).toMatchObject({ app: '' });
    expect(parseProgramReport('state=blocked:kind=coffee')).toMatchObject({ kind: null });
    expect(parseProgramReport('state=working:kind=auth')).toMatchObject({ kind: null });
    expect(parseProgramReport('state=working:progress=101')).toMatchObject({ progress: null });
    expect(parseProgramReport('state=done:progress=50')).toMatchObject({ progress: null });
    expect(parseProgramReport('state=blocked:progress=0')).toMatchObject({ progress: 0 });
    expect(parseProgramReport(`state=done:msg=${base64('ok').replace(/=+$/, '')}`)).toMatchObject({ message: 'ok' });
    expect(parseProgramReport(`state=error:msg=${base64('\u202eevil\u200b name')}`)).toMatchObject({
      message: 'evil name',
    });
  });

  it('never throw, whatever they are', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('', 'state=idle:', 'state=blocked:msg='),
        (text, start) => {
          expect(['string', 'object']).toContain(typeof parseProgramReport(start + text));
        },
      ),
    );
  });
});

describe('OSC 7501 records', () => {
  it.each([
    ['state=idle', 'idle', 'none'],
    ['state=working', 'working', 'none'],
    ['state=done', 'done', 'none'],
    ['state=error', 'error', 'none'],
    ['state=blocked', 'unknown', 'question'],
    ['state=blocked:kind=permission', 'unknown', 'permission'],
    ['state=blocked:kind=auth', 'unknown', 'auth'],
  ])('%s is %s and %s', (report, activity, attention) => {
    expect(status(report)).toMatchObject({ activity, attention });
  });

  it('stay at work while a working program is asked, but not without a login', () => {
    expect(status('state=working', 'state=blocked:kind=permission')).toMatchObject({ activity: 'working' });
    expect(status('state=working', 'state=blocked', 'state=blocked:kind=question')).toMatchObject({
      activity: 'working',
    });
    expect(status('state=working', 'state=blocked:kind=auth')).toMatchObject({ activity: 'error', attention: 'auth' });
    expect(status('state=idle', 'state=blocked:kind=permission')).toMatchObject({ activity: 'unknown' });
  });

  it('are replaced whole, and say what they say in one line', () => {
    const { board } = status(`state=working:app=pi:progress=5:msg=${base64('hello')}`);
    expect(board.status(5).summary).toBe('hello');
    board.programStatus('state=working', 6);
    expect(board.status(7).summary).toBe('working');
  });

  it('are a tree: a task has its app from the nearest ancestor that told one', () => {
    const { tasks } = status(
      'state=working:app=deploy',
      'state=working:id=eu:progress=40',
      'state=blocked:id=us:app=brew:kind=permission',
      `state=done:id=us/east/1:title=${base64('East')}:msg=${base64('over')}`,
    );
    expect(tasks).toEqual([
      {
        path: 'eu',
        app: 'deploy',
        activity: 'working',
        attention: 'none',
        progress: 40,
        title: '',
        message: '',
        since: 2,
      },
      {
        path: 'us',
        app: 'brew',
        activity: 'unknown',
        attention: 'permission',
        progress: null,
        title: '',
        message: '',
        since: 3,
      },
      {
        path: 'us/east/1',
        app: 'brew',
        activity: 'done',
        attention: 'none',
        progress: null,
        title: 'East',
        message: 'over',
        since: 4,
      },
    ]);
  });

  it('ask for a person by a task, too', () => {
    expect(status('state=working', 'state=working:id=a', 'state=blocked:id=a:kind=permission')).toMatchObject({
      activity: 'working',
      attention: 'permission',
    });
    expect(status('state=working:id=a')).toMatchObject({ activity: 'working', attention: 'none' });
  });

  it('are cleared with all beneath them, or all', () => {
    const paths = (...reports: string[]) => status(...reports).tasks.map((task) => task.path);
    const tree = ['state=working', 'state=working:id=a', 'state=done:id=a/b/c', 'state=done:id=ab'];
    expect(paths(...tree, 'state=clear:id=a')).toEqual(['ab']);
    expect(paths(...tree, 'state=clear:id=a/b')).toEqual(['a', 'ab']);
    expect(paths(...tree, 'state=clear')).toEqual([]);
    expect(status(...tree, 'state=clear').activity).toBe('unknown');
  });

  it.each([
    ['prompt', ['d', 'e']],
    ['exit', ['d', 'e']],
    ['reset', []],
  ] as const)('after a %s only %j are left', (kind, left) => {
    const { board } = status(
      'state=working',
      'state=blocked:id=b',
      'state=idle:id=i',
      'state=done:id=d',
      'state=error:id=e',
    );
    board.programReset(kind);
    expect(board.tasks().map((task) => task.path)).toEqual(left);
    expect(board.status(200).activity).toBe('unknown');
  });

  it('are 128 at most: the one reported longest ago goes', () => {
    const { board } = status(...Array.from({ length: 128 }, (_, at) => `state=working:id=r${at}`));
    board.programStatus('state=done:id=r0', 200);
    board.programStatus('state=working:id=new', 201);
    const paths = board.tasks().map((task) => task.path);
    expect(paths).toHaveLength(128);
    expect(paths).toContain('r0');
    expect(paths).toContain('new');
    expect(paths).not.toContain('r1');
  });
});
