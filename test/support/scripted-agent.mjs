// A small terminal agent for exact timing: raw mode, bracketed paste, a box with the prompt `> `, a spinner, titles,
// OSC 7501, hook reports, permission dialogs. What it does comes as JSON in SCRIPTED_AGENT; what happened goes to the
// file `log` there, one JSON object a line, as the truth for a test.
//
//   { log, ready_ms, trust, says: ['screen' | 'title' | 'psp' | 'hook'], frame_ms, echo_ms, submit_ms, swallow_enter,
//     collapse_bytes, history, screen: 'inline' | 'alternate', turns: [Turn], obeys, always_says }
//   Turn: { work_ms, answer, permission, never, ignore_interrupt, late_ms, die, die_at, error, lines, quiet,
//     echo_ms, swallow_enter }
//
// The n-th message that was submitted gets the n-th turn, and the last one serves all further ones. With `obeys` it
// does what the message says instead: a turn as JSON behind a `%`, on a line of its own.
import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';

const script = { turns: [{}], says: ['screen'], frame_ms: 100, ...JSON.parse(process.env.SCRIPTED_AGENT ?? '{}') };
const { stdin, stdout } = process;
const says = (what) => script.says.includes(what);

const history = Array.from({ length: script.history ?? 0 }, (_, at) =>
  `${at} `.repeat(200).slice(0, (stdout.columns || 80) - 2),
);
let box = '';
let pasted = null;
let shownBox = '';
let state = 'starting';
let dialog = null;
let turn = null;
let turns = 0;
let frame = 0;
let swallow = script.swallow_enter ?? 0;
let ticking = null;
let pending = '';
let reporting = Promise.resolve();

function note(event, fields = {}) {
  const entry = { event, at: Date.now(), pid: process.pid, ...fields };
  if (script.log) appendFileSync(script.log, `${JSON.stringify(entry)}\n`);
}

/** What was sent, also when only the name of its file was. */
function whole(text) {
  const file = script.obeys === true ? /in the file (\S+)/.exec(text)?.[1] : undefined;
  return file === undefined ? text : readFileSync(file, 'utf8');
}

/** The turn that a text asks for. */
function obeyed(text) {
  const line = text.split('\n').findLast((each) => each.startsWith('%{'));
  if (script.obeys !== true || line === undefined) return undefined;
  try {
    return JSON.parse(line.slice(1));
  } catch {
    note('garbled', { text }); // Somebody else's keys are in it.
    return undefined;
  }
}

/** `state` as each channel that is on tells it. */
function become(next, fields = {}) {
  state = next;
  note('state', { state: next });
  if (says('title')) stdout.write(`\x1b]0;${next === 'working' ? '⠋ scripted' : 'scripted'}\x07`);
  if (says('psp'))
    stdout.write(`\x1b]7501;state=${next === 'blocked' ? 'blocked:kind=permission' : next}:app=scripted\x1b\\`);
  if (says('hook')) report({ working: 'TurnStarted', idle: 'TurnEnded', blocked: 'Asked' }[next], fields);
}

/** One after the other, as programs run their hooks. */
function report(name, fields) {
  if (name === undefined || !process.env.HOLDFAST_REPORT) return;
  reporting = reporting.then(
    () =>
      new Promise((resolve) => {
        const command = `${process.env.HOLDFAST_REPORT} ${name}`;
        const child = spawn('sh', ['-c', command], { stdio: ['pipe', 'ignore', 'ignore'] });
        child.on('error', resolve);
        child.on('close', resolve);
        child.stdin.on('error', () => {});
        child.stdin.end(JSON.stringify(fields));
      }),
  );
}

function boxLines() {
  const limit = script.collapse_bytes ?? Infinity;
  const count = shownBox.split('\n').length - 1;
  const text = Buffer.byteLength(shownBox) > limit ? `[Pasted text +${count} lines]` : shownBox;
  const width = (stdout.columns || 80) - 4;
  const lines = text.split('\n').flatMap((line) => line.match(new RegExp(`.{1,${width}}`, 'gu')) ?? ['']);
  return lines.slice(-8).map((line, index) => (index === 0 ? `> ${line}` : `  ${line}`));
}

/** A line that the terminal wraps would move all that stands below it. */
function wrapped(line) {
  return line.match(new RegExp(`.{1,${(stdout.columns || 80) - 1}}`, 'gu')) ?? [''];
}

function draw() {
  const rows = stdout.rows || 24;
  const rule = '─'.repeat((stdout.columns || 80) - 1);
  const status = state === 'working' && says('screen') ? [`${'✻✽✶✳'[frame++ % 4]} Working… (esc to interrupt)`] : [];
  const asked =
    dialog === null ? [] : ['', dialog.text, '', '1. Yes', '2. Yes, always', '3. No, and say why', '', 'Esc to cancel'];
  const bottom = dialog === null ? [...status, rule, ...boxLines(), rule, '? for shortcuts'] : asked;
  const above = history.flatMap(wrapped).slice(-(rows - bottom.length - 1));
  const lines = [...above, ...bottom];
  const at = above.length + status.length + boxLines().length;
  stdout.write(
    `\x1b[?25l\x1b[H${lines.map((line) => `${line.replaceAll('\t', '    ')}\x1b[K`).join('\r\n')}\x1b[J\x1b[${at + 1};${3 + (boxLines().at(-1)?.length ?? 2) - 2}H\x1b[?25h`,
  );
}

function redrawSoon(echoMs = script.echo_ms) {
  const show = () => {
    shownBox = box;
    draw();
  };
  if (echoMs) setTimeout(show, echoMs);
  else show();
}

function pasteEnded(text) {
  box += text;
  note('pasted', { text });
  const told = obeyed(whole(box));
  if (told !== undefined) swallow = told.swallow_enter ?? 0;
  if (told?.die_at === 'paste') die(told.die);
  redrawSoon(told?.echo_ms);
}

function begin(shown) {
  const text = whole(shown);
  turn = { text, script: obeyed(text) ?? script.turns[Math.min(turns, script.turns.length - 1)] ?? {}, timer: null };
  turns++;
  note('submitted', { text, turn: turns });
  history.push(...shown.split('\n').map((line, index) => (index === 0 ? `» ${line}` : `  ${line}`)));
  if (turn.script.die !== undefined && turn.script.die_at === undefined) return die(turn.script.die);
  if (!isQuiet(turn)) become('working');
  if (turn.script.permission !== undefined) turn.timer = setTimeout(ask, turn.script.work_ms ?? 50, turn);
  else work(turn);
  animate();
}

function isQuiet(current) {
  return current.script.quiet === true && script.always_says !== true;
}

function animate() {
  draw();
  if (ticking === null) ticking = setInterval(draw, script.frame_ms);
}

function rest() {
  if (ticking !== null) clearInterval(ticking);
  ticking = null;
  draw();
}

function work(current) {
  if (current.script.never === true) return;
  const end = current.script.die_at === 'work' ? () => die(current.script.die) : answer;
  current.timer = setTimeout(end, current.script.work_ms ?? 50, current);
}

function ask(current) {
  dialog = { text: current.script.permission };
  become('blocked');
  draw();
  note('asked', { text: dialog.text });
}

function answer(current) {
  const text =
    current.script.answer?.replace('{turn}', `${process.pid}-${turns}`) ??
    `answer to ${current.text.split('\n').at(-1)}`;
  const lines = Array.from({ length: current.script.lines ?? 0 }, (_, index) => `line ${index + 1}`);
  const shown = [...lines, ...text.split('\n').map((line) => `● ${line}`)];
  history.push('', ...shown, '');
  if (current.script.error !== undefined) history.push(current.script.error);
  turn = null;
  if (!isQuiet(current)) become('idle', { response: text });
  note('answered', { text: current.text, response: text, shown: shown.join('\n') });
  rest();
  if (current.script.die_at === 'answer') die(current.script.die);
}

function interrupt() {
  if (turn === null || turn.script.ignore_interrupt === true) return;
  const stopped = turn;
  clearTimeout(stopped.timer);
  turn = null;
  dialog = null;
  note('interrupted', { text: stopped.text });
  history.push('Interrupted', '');
  state = 'idle';
  if (says('title')) stdout.write('\x1b]0;scripted\x07');
  if (says('psp')) stdout.write('\x1b]7501;state=idle:app=scripted\x1b\\');
  rest();
  if (stopped.script.late_ms !== undefined) setTimeout(late, stopped.script.late_ms, stopped);
}

/** What was stopped still talks. */
function late(stopped) {
  const text = `late answer ${process.pid}-${turns}`;
  const shown = `● ${text}`;
  history.push('', shown, '');
  note('late', { text: stopped.text, response: text, shown });
  if (says('hook')) report('TurnEnded', { response: text });
  draw();
}

function die(how) {
  note('died', { how });
  if (typeof how === 'string') process.kill(process.pid, how);
  else process.exit(how);
}

function choose(choice) {
  const asked = dialog;
  dialog = null;
  note('chosen', { key: choice, text: asked.text });
  if (asked.trust === true) {
    if (choice === '3') return die(1);
    return ready();
  }
  become('working');
  if (choice === '3') turn.script = { ...turn.script, answer: 'then not' };
  draw();
  work(turn);
}

function submit() {
  if (swallow > 0) {
    swallow--;
    note('swallowed');
    return;
  }
  const text = box;
  if (text.trim() === '' || turn !== null) return;
  box = shownBox = '';
  if (script.submit_ms) setTimeout(begin, script.submit_ms, text);
  else begin(text);
}

function key(character) {
  if (dialog !== null) {
    if ('123'.includes(character)) choose(character);
    return;
  }
  if (state === 'starting') return;
  if (character === '\r') return submit();
  if (character === '\x15') box = '';
  else if (character === '\x7f') box = box.slice(0, -1);
  else if (character === '\x04' && box === '') die(0);
  else if (character >= ' ' || character === '\n') box += character;
  redrawSoon();
}

function feed(text) {
  pending += text;
  while (pending !== '') {
    if (pasted !== null) {
      const end = pending.indexOf('\x1b[201~');
      if (end === -1) return;
      const paste = pending.slice(0, end);
      pasted = null;
      pending = pending.slice(end + 6);
      pasteEnded(paste);
    } else if (pending.startsWith('\x1b[200~')) {
      pasted = '';
      pending = pending.slice(6);
    } else if (pending[0] === '\x1b') {
      const sequence = /^\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))/.exec(pending);
      if (sequence === null) interrupt();
      else note('sequence', { text: sequence[0] });
      pending = pending.slice(sequence === null ? 1 : sequence[0].length);
    } else {
      const [first] = pending;
      pending = pending.slice(first.length);
      key(first);
    }
  }
}

function ready() {
  become('idle');
  draw();
}

if (stdin.isTTY) stdin.setRawMode(true);
stdin.setEncoding('utf8');
stdin.on('data', feed);
stdout.on('resize', draw);
process.on('SIGTERM', () => process.exit(0));
if (script.screen === 'alternate') stdout.write('\x1b[?1049h');
stdout.write('\x1b[?2004h\x1b[2J');
note('started', { pid: process.pid });
if (script.query) stdout.write(script.query);
setTimeout(() => {
  if (script.trust === undefined) return ready();
  dialog = { text: script.trust, trust: true };
  draw();
}, script.ready_ms ?? 0);
