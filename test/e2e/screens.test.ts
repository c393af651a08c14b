/** Real programs in a session and in tmux, the same bytes and sizes for both: the screens are equal cell for cell. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { TestRuntime } from '../support/runtime.ts';
import { hasProgram, needs, Tmux } from '../support/tmux.ts';
import { Twin, type TwinProgram } from '../support/twin.ts';

interface Step {
  /** Typed as it is. */
  keys?: string;
  resize?: { rows: number; cols: number };
  /** What both screens show when the step took effect. */
  shows: RegExp;
}

interface Program extends Omit<TwinProgram, 'env' | 'cwd'> {
  env?: Record<string, string>;
  steps: Step[];
  /** Typed through an attached terminal after detach, the death of srv and a resume. */
  last: Step;
}

const CTRL_A = '\x01';
const CTRL_E = '\x05';
const ESC = '\x1b';
/** As a terminal in application mode sends it. */
const DOWN = '\x1bOB';

const TEXT = [
  'plain text of the first line',
  'wide: 日本語 한국어 中文 ｆｕｌｌ; emoji: 😀 ✅ 🚀.',
  'combining: e\u0301 a\u0308 o\u0302\u0301; others: Ω ж — … ﷺ',
  'tabs:\tone\ttwo\tthree',
  `long: ${'0123456789'.repeat(25)}`,
  ...Array.from({ length: 60 }, (_, at) => `line ${at + 6} ${'.'.repeat(at)}`),
].join('\n');

const PROGRAMS: Record<string, Program> = {
  bash: {
    argv: ['bash', '--norc', '--noprofile', '-i'],
    env: { PS1: 'twin> ' },
    size: { rows: 24, cols: 80 },
    steps: [
      { shows: /^twin>$/m },
      { keys: 'cat text; seq 1 30\r', shows: /^30\ntwin>$/m },
      { keys: `echo abc${CTRL_A}X${CTRL_E}Y\x02\x02Z`, shows: /^twin> Xecho abZcY$/m },
      { keys: `${CTRL_E}\x15\x12cat`, shows: /reverse-i-search\)`cat': cat text/ },
      { keys: '\x07', shows: /twin>\n*$/ },
      { keys: `echo ${'wrap '.repeat(40)}`, shows: /twin> echo wrap/ },
      { keys: `${CTRL_A}#${CTRL_E}\r`, shows: /#echo[^$]*\ntwin>\n*$/ },
      {
        keys:
          String.raw`printf '\e[2;10r\e[5;5H\e[1;4;31mred\e[0m\e[3;1H\e(0lqqk\e(B\e[44m\e[K\e[0m\e[r\e[20;1H'` + '\r',
        shows: /┌──┐/,
      },
      { keys: 'clear\r', shows: /^twin>\n*$/ },
      { resize: { rows: 12, cols: 50 }, shows: /^twin>/m },
      { keys: 'stty size\r', shows: /^12 50$/m },
    ],
    last: { keys: 'tput smcup; tput cup 3 4; tput rev; echo "full 日本"; tput sgr0; tput civis\r', shows: /full 日本/ },
  },
  vim: {
    // Vim draws by what its terminal answers, and two terminals answer differently: it is to ask nothing.
    argv: ['vim', '-u', 'NONE', '-N', '-n', '-i', 'NONE', '--cmd', 'set t_RV= t_RB= t_RF= t_u7= t_RC= t_RS=', 'text'],
    size: { rows: 24, cols: 80 },
    steps: [
      { shows: /text" .*65L/ },
      { keys: ':set number hlsearch mouse=a laststatus=2 ruler\r', shows: /1,1/ },
      { keys: '/line 1.\r', shows: /line 16/ },
      { keys: 'ggdd3jp', shows: /plain text/ },
      { keys: `onew 日本 line${ESC}`, shows: /new 日本 line/ },
      { keys: `${ESC}:vsplit\r`, shows: /│|\|/ },
      { resize: { rows: 30, cols: 100 }, shows: /text \[\+\]/ },
      { keys: '2jV3j', shows: /-- VISUAL LINE --/ },
    ],
    last: { keys: `${ESC}GAlast${ESC}`, shows: /last/ },
  },
  less: {
    argv: ['less', '-i', 'text'],
    size: { rows: 24, cols: 80 },
    steps: [
      { shows: /^plain text/m },
      { keys: ' ', shows: /line 30/ },
      { keys: '/line 4\r', shows: /line 4/ },
      { keys: 'g-S\r', shows: /plain text/ },
      { keys: '\x1b[C', shows: /0123456789/ },
      { resize: { rows: 18, cols: 60 }, shows: /line/ },
    ],
    last: { keys: 'G', shows: /line 65/ },
  },
  top: {
    argv: ['sh', '-c', 'exec top -d 3600 -p $$'],
    size: { rows: 24, cols: 80 },
    // Load, memory, times and pids differ between two tops: numbers with the blanks before them are compared by width.
    // The blanks may stand before the number's attributes, and the end of others before them: a wider number takes both.
    mask: (row) =>
      row.replaceAll(
        /(?:‹›)?( *)(‹[^›]*›)( *\d[\d.:]*)|‹[^›]*›| *\d[\d.:]*/g,
        (found, blanks?: string, marks = '', number = '') => {
          if (blanks !== undefined) return marks + '#'.repeat(blanks.length + number.length);
          return found.startsWith('‹') ? found : '#'.repeat(found.length);
        },
      ),
    steps: [
      { shows: /PID USER/ },
      { keys: 'c', shows: /top -d/ },
      { keys: 'z', shows: /PID USER/ },
      { keys: 'h', shows: /Help for Interactive Commands/ },
      { keys: 'q', shows: /PID USER/ },
      { resize: { rows: 30, cols: 100 }, shows: /PID USER/ },
    ],
    last: { keys: 'f', shows: /Fields Management/ },
  },
  dialog: {
    argv: [
      'dialog',
      '--title',
      'Choose 日本',
      '--menu',
      'One of these:',
      '12',
      '50',
      '4',
      'a',
      'first',
      'b',
      'second 한국',
      'c',
      'third',
      'd',
      'fourth',
      'e',
      'fifth',
    ],
    size: { rows: 24, cols: 80 },
    steps: [
      { shows: /One of these/ },
      { keys: DOWN + DOWN, shows: /third/ },
      { keys: DOWN + DOWN, shows: /fifth/ },
      { keys: '\t', shows: /Cancel/ },
      { resize: { rows: 30, cols: 100 }, shows: /One of these/ },
    ],
    last: { keys: '\t', shows: /fourth/ },
  },
};

describe.skipIf(!hasProgram('tmux'))(needs('tmux', 'a program’s screen, beside tmux'), () => {
  let runtime: TestRuntime;
  let tmux: Tmux;

  beforeAll(async () => {
    [runtime, tmux] = await Promise.all([TestRuntime.start(), Tmux.start()]);
    mkdirSync(join(runtime.home, 'work'));
    writeFileSync(join(runtime.home, 'work', 'text'), `${TEXT}\n`);
  });
  afterAll(async () => {
    await tmux.close();
    await runtime.close();
  });

  for (const [name, { steps, last, env = {}, ...program }] of Object.entries(PROGRAMS)) {
    it.skipIf(!hasProgram(name))(
      needs(name, `[Q1] [A1] is equal for ${name}, also in a terminal attached after srv was killed`),
      async () => {
        const cwd = join(runtime.home, 'work');
        const base = { PATH: runtime.env['PATH']!, HOME: cwd, TERM: 'xterm-256color', LANG: 'C.UTF-8' };
        const twin = await Twin.start(runtime, tmux, { ...program, env: { ...base, ...env }, cwd });
        const take = async ({ keys, resize, shows }: Step): Promise<void> => {
          if (keys !== undefined) await twin.type(keys);
          if (resize !== undefined) await twin.resize(resize);
          await twin.settle(shows);
        };
        for (const step of steps) await take(step);
        await twin.attach();
        await twin.detach();
        await runtime.killSrv();
        await twin.attach();
        await take(last);
      },
    );
  }
});
