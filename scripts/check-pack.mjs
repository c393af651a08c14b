// Whether the published package works: packs it, installs the tarball into an empty prefix without any install script,
// and uses it from there as a stranger would – the command with an empty HOME, a runtime from up to down, the SDK's types
// with a strict compiler.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inRoot, say } from './lib/project.mjs';
import { tsc } from './lib/types.mjs';

const CONSUMER_CONFIG = {
  compilerOptions: {
    target: 'ES2023',
    module: 'nodenext',
    strict: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [inRoot('node_modules', '@types')],
  },
  files: ['main.ts'],
};

const work = mkdtempSync(join(tmpdir(), 'hf-pack-'));
try {
  checkPackage();
  say('the package is in order');
} catch (error) {
  process.stderr.write(`${error.stdout ?? ''}${error.stderr ?? ''}`);
  say(`the package is broken: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}

function checkPackage() {
  const prefix = join(work, 'prefix');
  const empty = join(work, 'empty');
  const home = join(work, 'home');
  for (const directory of [prefix, empty, home]) mkdirSync(directory);

  npm(inRoot(), 'pack', '--pack-destination', work);
  const tarball = readdirSync(work).find((name) => name.endsWith('.tgz'));
  run(inRoot(), process.execPath, [inRoot('node_modules', 'publint', 'src', 'cli.js'), 'run', join(work, tarball)]);
  npm(empty, 'install', '--global', '--prefix', prefix, '--ignore-scripts', join(work, tarball));

  const installed = join(prefix, 'lib', 'node_modules', 'holdfast');
  const strays = readdirSync(join(installed, 'dist')).filter((name) => /\.cache$|^\.stamp$|\.map$/.test(name));
  if (strays.length > 0) throw new Error(`files that do not belong into it: ${strays.join(', ')}`);

  const path = `${join(prefix, 'bin')}:${process.env.PATH}`;
  const stranger = { PATH: path, HOME: home, LANG: 'C.UTF-8' };
  const version = run(empty, join(prefix, 'bin', 'holdfast'), ['--version'], stranger).trim();
  if (!/\d+\.\d+\.\d+/.test(version)) throw new Error(`holdfast --version printed ${JSON.stringify(version)}`);
  if (readdirSync(home).length > 0) throw new Error('holdfast --version left something in HOME');

  useRuntime(empty, home, stranger);

  if (!existsSync(inRoot('src', 'client', 'index.ts'))) return;
  const consumer = join(prefix, 'lib', 'consumer');
  mkdirSync(consumer);
  const source = "import * as client from 'holdfast/client';\nif (Object.keys(client).length === 0) process.exit(1);\n";
  writeFileSync(join(consumer, 'main.ts'), source);
  writeFileSync(join(consumer, 'main.mjs'), source);
  writeFileSync(join(consumer, 'package.json'), '{"type":"module"}');
  writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify(CONSUMER_CONFIG));
  run(consumer, process.execPath, [tsc, '-p', 'tsconfig.json']);
  run(consumer, process.execPath, ['main.mjs'], stranger);
}

/** A whole life of a runtime: in the default place, with a terminal session, a pipe session and the runtime stopped. */
function useRuntime(cwd, home, env) {
  const holdfast = (...words) => run(cwd, 'holdfast', words, env);
  try {
    holdfast('up');
    expectEqual('a terminal session', holdfast('run', '--', 'sh', '-c', 'stty size'), '24 80\r\n');
    expectEqual('a pipe session', holdfast('run', '--pipe', '--', 'printf', 'a\\nb'), 'a\nb');
    holdfast('run', '--detach', '--name', 'kept', '--', 'sleep', '1000');
    const { srv } = JSON.parse(holdfast('status', '--json'));
    expectEqual('the state of srv', srv.state, 'running');
    holdfast('down');
    const { state } = JSON.parse(holdfast('ls', '--json').trim().split('\n').at(-1));
    expectEqual('the session which outlived srv', state, 'running');
    if (!existsSync(join(home, '.local', 'state', 'holdfast')))
      throw new Error('its home is not in the state directory');
  } finally {
    holdfast('down', '--sessions');
  }
}

function expectEqual(what, found, wanted) {
  if (found !== wanted) throw new Error(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);
}

function npm(cwd, ...args) {
  run(cwd, 'npm', [...args, '--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline']);
}

/** Returns what the command wrote; an error carries it. */
function run(cwd, file, args, env = process.env) {
  return execFileSync(file, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 });
}
