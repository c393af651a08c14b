#!/usr/bin/env node
// Installs the real agent CLIs of the end-to-end tests, as test/agents/package-lock.json pins them, when they are not
// there yet: install-agents.mjs [claude] [codex] [gemini] [opencode]; without names all of them. Never run by the
// product's own `npm ci`. Node's standard library only.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { subsetOfLock } from './lib/lock-subset.mjs';
import { withLock } from './lib/lock.mjs';
import { fail, inRoot, say } from './lib/project.mjs';

const PACKAGES = {
  claude: '@anthropic-ai/claude-code',
  codex: '@openai/codex',
  gemini: '@google/gemini-cli',
  opencode: 'opencode-ai',
};
const directory = inRoot('test', 'agents');
const installed = join(directory, 'node_modules');
/** Hundreds of megabytes per CLI. */
const INSTALL_MS = 20 * 60_000;

const libc = process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';

const names = process.argv.slice(2);
const strangers = names.filter((name) => !Object.hasOwn(PACKAGES, name));
if (strangers.length > 0) fail(`no agent ${strangers.join(', ')}; there are ${Object.keys(PACKAGES).join(', ')}`);
const wanted = (names.length > 0 ? names : Object.keys(PACKAGES)).map((name) => PACKAGES[name]);

try {
  if (!isInstalled(wanted)) await withLock(() => isInstalled(wanted) || install(wanted));
} catch (error) {
  fail(error.message);
}

/** Asks what npm recorded of its last installation: of every locked package that fits this machine, this version. */
function isInstalled(packages, place = directory) {
  const record = readJson(join(place, 'node_modules', '.package-lock.json'))?.packages;
  if (record === undefined) return false;
  const { lock } = subsetOfLock(readManifest(), readLock(), packages);
  return Object.entries(lock.packages).every(([path, entry]) => {
    if (path === '' || !fitsMachine(entry)) return true;
    const found = record[path];
    return found !== undefined && found.integrity === entry.integrity && existsSync(join(place, path));
  });
}

/** Beside the old directory, which it then replaces: a broken download leaves what was there. */
function install(packages) {
  // What is there and still fits the lock stays.
  const kept = Object.values(PACKAGES).filter((name) => packages.includes(name) || isInstalled([name]));
  say(`installing ${kept.join(', ')} …`);
  const place = mkdtempSync(join(directory, '.installing-'));
  try {
    const { manifest, lock } = subsetOfLock(readManifest(), readLock(), kept);
    writeFileSync(join(place, 'package.json'), JSON.stringify(manifest));
    writeFileSync(join(place, 'package-lock.json'), JSON.stringify(lock));
    // Not `npm ci`: it insists on platform packages of other machines that the lock does not name.
    const npmArgs = ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
    const { status, signal, error } = spawnSync('npm', npmArgs, {
      cwd: place,
      stdio: ['ignore', 2, 2],
      timeout: INSTALL_MS,
    });
    if (status !== 0) throw new Error(`npm install failed (${error?.message ?? signal ?? `exit code ${status}`})`);
    if (!isInstalled(kept, place))
      throw new Error('npm installed something else than test/agents/package-lock.json names');
    rmSync(installed, { recursive: true, force: true });
    renameSync(join(place, 'node_modules'), installed);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function fitsMachine({ os = [process.platform], cpu = [process.arch], libc: libcs = [libc] }) {
  return os.includes(process.platform) && cpu.includes(process.arch) && libcs.includes(libc);
}

function readManifest() {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
}

function readLock() {
  return JSON.parse(readFileSync(join(directory, 'package-lock.json'), 'utf8'));
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined; // Missing, or written by a process that was killed: as good as missing.
  }
}
