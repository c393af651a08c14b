// What `npm start`, `npm test`, `npm run bench` and `npm run check` run. It brings a fresh clone to the point where the
// command can run – installs what the lock file names, builds what has changed – and is silent when nothing is to do.
// Node's standard library only.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';

const OLDEST_NODE = [20, 19];
const FORWARDED_SIGNALS = ['SIGTERM', 'SIGHUP'];
/** The terminal sends these to the whole group: the child decides, this process waits for it. */
const TERMINAL_SIGNALS = ['SIGINT', 'SIGQUIT', 'SIGTSTP'];

requireNode();
const { dependenciesAreFresh, stampDependencies } = await import('./lib/freshness.mjs');
const { withLock } = await import('./lib/lock.mjs');
const { fail, inRoot, say } = await import('./lib/project.mjs');
const { benchTarget, distTarget, isFresh } = await import('./lib/targets.mjs');

const [command, ...args] = process.argv.slice(2);
const commands = { start, test, bench, check, install: async () => {} };
if (!Object.hasOwn(commands, command)) fail(`usage: bootstrap.mjs ${Object.keys(commands).join(' | ')} [arguments]`);
try {
  await install();
  await commands[command](args);
} catch (error) {
  fail(error.message);
}

async function start(programArgs) {
  await bringUpToDate(distTarget(false));
  const loader = inRoot('dist', 'holdfast.cjs');
  leaveNpm();
  // In this very process: no second Node start, and the terminal and its signals are the program's own.
  process.argv = [process.execPath, loader, ...programArgs];
  createRequire(import.meta.url)(loader);
}

/** Sessions inherit environment and directory of whoever called `npm start`, not what npm made of them. */
function leaveNpm() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const calledFrom = process.env.INIT_CWD;
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('npm_') || ['INIT_CWD', 'NODE', 'COLOR'].includes(name)) delete process.env[name];
  }
  const path = (process.env.PATH ?? '').split(':');
  process.env.PATH = path.filter((entry) => !/\/node_modules\/\.bin$|\/node-gyp-bin$/.test(entry)).join(':');
  if (calledFrom !== undefined && existsSync(calledFrom)) process.chdir(calledFrom);
}

async function test(testArgs) {
  const long = testArgs.includes('--long');
  const rest = testArgs.filter((arg) => arg !== '--long');
  const env = long ? { ...process.env, HOLDFAST_TEST_LONG: '1' } : process.env;
  await become([inRoot('node_modules', 'vitest', 'vitest.mjs'), 'run', ...rest], env);
}

async function bench(benchArgs) {
  if (!existsSync(inRoot('bench', 'main.ts'))) throw new Error('there is no bench/main.ts');
  await bringUpToDate(distTarget(false), benchTarget());
  await become([inRoot('dist-bench', 'main.mjs'), ...benchArgs], process.env);
}

async function check(checkArgs) {
  await become([inRoot('scripts', 'check.mjs'), ...checkArgs], process.env);
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  process.stderr.write(`holdfast: needs Node ${OLDEST_NODE.join('.')} or newer; this is ${process.version}\n`);
  process.exit(1);
}

async function install() {
  if (dependenciesAreFresh()) return;
  await withLock(async () => {
    // Asked again: another process may have installed while this one waited.
    if (dependenciesAreFresh()) return;
    say('installing locked dependencies …');
    const npmArgs = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
    const { code, signal, output } = await run(...npm(npmArgs), { stdio: ['ignore', 'pipe', 'pipe'], cwd: inRoot() });
    if (code !== 0) throw new Error(`npm ci failed (${signal ?? `exit code ${code}`})\n${output}`);
    stampDependencies();
  });
}

/** The npm that runs this script, else the one on PATH. */
function npm(npmArgs) {
  const own = process.env.npm_execpath;
  return own !== undefined && /^npm-cli\.c?js$/.test(basename(own))
    ? [process.execPath, [own, ...npmArgs]]
    : ['npm', npmArgs];
}

async function bringUpToDate(...targets) {
  if (targets.every(isFresh)) return;
  const kinds = targets.some((target) => target.kind === 'bench') ? ['--bench'] : [];
  const { code } = await run(process.execPath, [inRoot('scripts', 'build.mjs'), '--if-stale', ...kinds], {
    stdio: ['ignore', 2, 2],
  });
  if (code !== 0) throw new Error('the build failed');
}

/** Runs a script in this process's place: same terminal, same signals, same end. */
async function become(scriptArgs, env) {
  for (const signal of TERMINAL_SIGNALS) process.on(signal, () => {});
  const { code, signal } = await run(process.execPath, scriptArgs, { stdio: 'inherit', env }, FORWARDED_SIGNALS);
  if (signal === null) process.exit(code);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

function run(file, fileArgs, options, forwarded = []) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, fileArgs, options);
    for (const signal of forwarded) process.on(signal, () => child.kill(signal));
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text) => (output += text));
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, output }));
  });
}
